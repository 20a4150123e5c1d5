"""The shop's own orders as a report, by its adapters."""

import pytest

from similarity.copurchase.co_demand import category_report, product_report, shop_sales
from similarity.copurchase.demand_report import Question
from similarity.exceptions import DemandError
from tests.fixtures_demand import make_demand_shop  # noqa: F401

pytestmark = pytest.mark.django_db


def test_a_planted_pair_is_found_with_titles(demand_shop):
    sales = shop_sales(weeks=60, today=demand_shop.today)
    assert sales.weeks == demand_shop.weeks
    report = product_report(sales, Question(), product=str(demand_shop.tea.pk))
    best = report.pairs[0]
    assert {report.title(best.first), report.title(best.second)} == {"Tea", "Teapot"}
    assert best.link.correlation > 0.5


def test_categories_are_summed(demand_shop):
    sales = shop_sales(weeks=60, today=demand_shop.today)
    report = category_report(sales, Question())
    assert report.kind == "category"
    assert set(report.sales.names) == {f"Kind {at}" for at in range(10)} | {"Teas", "Teapots"}
    best = report.pairs[0]
    assert {best.first, best.second} == {"Teas", "Teapots"}


def test_what_sold_nothing_is_named(demand_shop, make_product):
    sales = shop_sales(weeks=60, today=demand_shop.today)
    with pytest.raises(DemandError, match="sold nothing"):
        product_report(sales, Question(), product=str(make_product().pk))
    with pytest.raises(DemandError, match="'Boats' sold nothing"):
        category_report(sales, Question(), category="Boats")


def test_a_shop_without_orders_is_told_the_setting(settings):
    settings.SIMILARITY = {**settings.SIMILARITY, "ORDERS": None}
    with pytest.raises(DemandError, match=r"SIMILARITY\['ORDERS'\] is not set"):
        shop_sales()
