"""Compute co-demand of this shop from its orders, catalogue and counted co-purchases."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from importlib.util import find_spec

from similarity.catalog.adapter import get_adapter
from similarity.exceptions import ConfigurationError, DemandError
from similarity.orders.adapter import OrderAdapter, get_order_adapter
from similarity.orders.partners import partners_of
from similarity.planning.demand import WEEKS, WeeklySales, midnight, read_weekly_sales
from similarity.planning.demand_backtest import IntervalCalibration
from similarity.planning.demand_names import categories, item_of_product, titles
from similarity.planning.demand_report import DemandQuestion, DemandReport, demand_report
from similarity.planning.demand_snapshots import keep
from similarity.types import Progress

logger = logging.getLogger(__name__)

INSTALL = "pip install 'django-similarity[reports]'"


def keep_weekly() -> None:
    """Store new :func:`all_reports` for the admin.

    If the host has no orders, too few weeks of orders, or no scipy, the former reports stay. The
    log then names too few weeks or a missing scipy.
    """
    if get_order_adapter() is None:
        return
    if find_spec("scipy") is None:
        logger.info("Co-demand was not updated; scipy is missing: %s", INSTALL)
        return
    try:
        for report in all_reports(shop_sales(), DemandQuestion()):
            keep(report)
    except DemandError as error:
        logger.info("Co-demand was not updated: %s", error)


def all_reports(
    sales: WeeklySales, question: DemandQuestion, progress: Progress | None = None
) -> Iterator[DemandReport]:
    """Yield the report of all products and, if the catalogue has categories, of all categories."""
    yield product_report(sales, question, progress=progress)
    if get_adapter().filter_by("category", ()) is not None:
        yield category_report(sales, question, progress=progress)


def shop_sales(weeks: int = WEEKS, today: date | None = None) -> WeeklySales:
    """Return the weekly units of every item.

    Raises :class:`DemandError` for a shop without orders, and :class:`ConfigurationError` without
    scipy, which all later steps need.
    """
    if find_spec("scipy") is None:
        raise ConfigurationError(
            f"Co-demand needs scipy, which is not installed; install it with: {INSTALL}"
        )
    return read_weekly_sales(_orders(), weeks, today)


def product_report(
    sales: WeeklySales,
    question: DemandQuestion,
    *,
    product: str | None = None,
    calibration: IntervalCalibration | None = None,
    progress: Progress | None = None,
) -> DemandReport:
    """Return the report of all products, or of the product with the given key."""
    if product is not None:
        question = replace(question, of=item_of_product(sales, product))
    report = demand_report(
        sales,
        question,
        partners=partners_of,
        baskets=lambda: _orders().baskets(since=midnight(sales.monday)),
        calibration=calibration,
        progress=progress,
    )
    named = {name for pair in report.pairs for name in (pair.first, pair.second)}
    named |= {question.of} if question.of else set()
    return replace(report, titles=titles(sales, get_adapter(), sorted(named)))


def category_report(
    sales: WeeklySales,
    question: DemandQuestion,
    *,
    category: str | None = None,
    progress: Progress | None = None,
) -> DemandReport:
    """Return the report of all categories, or of one category.

    Raises :class:`DemandError` for a category without sales.
    """
    summed = sales.summed(categories(sales, get_adapter()))
    if category is not None:
        summed.of(category)
        question = replace(question, of=category)
    return replace(demand_report(summed, question, progress=progress), kind="category")


def _orders() -> OrderAdapter:
    orders = get_order_adapter()
    if orders is None:
        raise DemandError(
            "SIMILARITY['ORDERS']['SOURCE'] is not set, so there are no sales to read; map the "
            "order model there, see docs/settings.md."
        )
    return orders
