"""Co-demand of this shop: its orders, its catalogue and its counted co-purchases put together."""

from dataclasses import replace
from datetime import date

from similarity.catalog.adapter import get_adapter
from similarity.catalog.orders import OrderAdapter, get_order_adapter
from similarity.copurchase.demand import WEEKS, WeeklySales, midnight, read_weekly_sales
from similarity.copurchase.demand_backtest import Calibration
from similarity.copurchase.demand_links import Progress
from similarity.copurchase.demand_names import categories, item_of_product, titles
from similarity.copurchase.demand_report import DemandReport, Question, demand_report
from similarity.copurchase.partners import partners_of
from similarity.exceptions import DemandError


def shop_sales(weeks: int = WEEKS, today: date | None = None) -> WeeklySales:
    """Weekly units of every item. Raises :class:`DemandError` for a shop without orders."""
    return read_weekly_sales(_orders(), weeks, today)


def product_report(
    sales: WeeklySales,
    question: Question,
    *,
    product: str | None = None,
    calibration: Calibration | None = None,
    progress: Progress | None = None,
) -> DemandReport:
    """Of all products, or of the one whose key is given."""
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
    question: Question,
    *,
    category: str | None = None,
    progress: Progress | None = None,
) -> DemandReport:
    """Of all categories, or of one. Raises :class:`DemandError` for one that sold nothing."""
    summed = sales.summed(categories(sales, get_adapter()))
    if category is not None:
        summed.of(category)
        question = replace(question, of=category)
    return replace(demand_report(summed, question, progress=progress), kind="category")


def _orders() -> OrderAdapter:
    orders = get_order_adapter()
    if orders is None:
        raise DemandError("SIMILARITY['ORDERS'] is not set, so that there are no sales to read.")
    return orders
