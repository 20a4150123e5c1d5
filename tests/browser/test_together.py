"""Bought together on the shop's pages, in a real browser."""

# ruff: noqa: F811 - fixtures that are imported

import pytest
from playwright.sync_api import expect

from tests.browser.test_shop import fits
from tests.fixtures_orders import buy, counted  # noqa: F401

pytestmark = pytest.mark.browser


@pytest.fixture
def sold(catalogue, buy, counted):
    """The first lamp is bought with two chairs, and with a lamp of another look."""
    buy(catalogue[0], catalogue[4], shoppers=8)
    buy(catalogue[0], catalogue[5], shoppers=6)
    counted()
    return catalogue


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_ticked_products_and_their_price_go_into_the_cart(open_page, sold, viewport):
    page = open_page(viewport)
    page.goto(sold[0].get_absolute_url())
    fits(page)
    form = page.locator(".together")
    total = form.locator(".together__total")
    expect(total).to_have_text("€60.00")
    form.get_by_label("Black lamp").uncheck()
    expect(total).to_have_text("€40.00")
    expect(form).to_contain_text("Chosen")
    form.get_by_label("Black lamp").check()
    expect(total).to_have_text("€60.00")
    form.get_by_label("Gold lamp").uncheck()
    form.get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("2 products were added")
    fits(page)
    expect(page.locator(".card--buy")).to_have_count(1)
    page.locator(".card--buy").get_by_role("button").click()
    expect(page.locator(".line")).to_have_count(3)


def test_without_javascript_the_form_does_the_same(open_page, sold):
    page = open_page("phone", java_script_enabled=False)
    page.goto(sold[0].get_absolute_url())
    page.locator(".together").get_by_label("Gold lamp").uncheck()
    page.locator(".together").get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("2 products were added")
