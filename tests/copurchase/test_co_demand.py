"""The shop's own orders as a report, by its adapters."""

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from similarity.catalog import times
from similarity.exceptions import ConfigurationError, DemandError
from similarity.planning import co_demand, tasks
from similarity.planning.co_demand import category_report, product_report, shop_sales
from similarity.planning.demand_report import DemandQuestion
from similarity.planning.models import DemandSnapshot
from tests.configure import with_settings
from tests.fixtures_demand import MONDAY, make_demand_shop  # noqa: F401

pytestmark = pytest.mark.django_db


def test_a_planted_pair_is_found_with_titles(demand_shop):
    sales = shop_sales(weeks=60, today=demand_shop.today)
    assert sales.weeks == demand_shop.weeks
    report = product_report(sales, DemandQuestion(), product=str(demand_shop.tea.pk))
    best = report.pairs[0]
    assert {report.title(best.first), report.title(best.second)} == {"Tea", "Teapot"}
    assert best.link.correlation > 0.5


def test_categories_are_summed(demand_shop):
    sales = shop_sales(weeks=60, today=demand_shop.today)
    report = category_report(sales, DemandQuestion())
    assert report.kind == "category"
    assert set(report.sales.names) == {f"Kind {at}" for at in range(10)} | {"Teas", "Teapots"}
    best = report.pairs[0]
    assert {best.first, best.second} == {"Teas", "Teapots"}


def test_what_sold_nothing_is_named(demand_shop, make_product):
    sales = shop_sales(weeks=60, today=demand_shop.today)
    with pytest.raises(DemandError, match="had no sales"):
        product_report(sales, DemandQuestion(), product=str(make_product().pk))
    with pytest.raises(DemandError, match="'Boats' had no sales"):
        category_report(sales, DemandQuestion(), category="Boats")


def test_a_shop_without_orders_is_told_the_setting(settings):
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": None})
    with pytest.raises(DemandError, match=r"SIMILARITY\['ORDERS'\]\['SOURCE'\] is not set"):
        shop_sales()


@pytest.fixture
def today(demand_shop, monkeypatch):
    monkeypatch.setattr(times, "today", lambda: demand_shop.today)


def kept():
    return set(DemandSnapshot.objects.values_list("kind", "title"))


def test_beat_keeps_products_and_categories_for_the_admin(today):
    tasks.keep_co_demand()
    assert kept() == {
        *(("product", name) for name in ("Tea", "Teapot")),
        *(("category", name) for name in ("Teas", "Teapots")),
    }


def test_a_catalogue_without_categories_has_its_products_told(today, settings):
    catalog = {**settings.SIMILARITY["CATALOG"], "attributes": {}}
    settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": catalog}
    tasks.keep_co_demand()
    assert kept() == {("product", "Tea"), ("product", "Teapot")}


def test_a_shop_with_nothing_to_tell_yet_keeps_what_it_has_and_logs_no_error(
    demand_shop, settings, monkeypatch, caplog
):
    monkeypatch.setattr(times, "today", lambda: MONDAY + timedelta(weeks=9))
    caplog.set_level(logging.INFO, "similarity")
    DemandSnapshot.objects.create(
        kind="product", item="1", pairs=0, warnings=0, report={}, made_at=timezone.now()
    )
    tasks.keep_co_demand()
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": None})
    tasks.keep_co_demand()
    assert DemandSnapshot.objects.count() == 1
    assert [record.levelname for record in caplog.records] == ["INFO"]


def test_without_scipy_beat_goes_on_and_the_command_names_what_to_install(
    today, monkeypatch, caplog
):
    monkeypatch.setattr(co_demand, "find_spec", lambda name: None)
    caplog.set_level(logging.INFO, "similarity")
    tasks.keep_co_demand()
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "django-similarity[reports]" in caplog.text
    with pytest.raises(ConfigurationError, match=r"django-similarity\[reports\]"):
        shop_sales()
