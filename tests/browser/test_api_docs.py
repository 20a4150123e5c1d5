"""The page that describes the API works under the shop's strict policy, in a real browser."""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_it_lists_the_operations_and_no_policy_is_violated(open_page):
    page = open_page()
    page.goto("/api/docs/")
    operations = page.locator(".opblock-summary-path")
    expect(operations.filter(has_text="/batch/")).to_be_visible()
    operations.filter(has_text="/similar/").click()
    expect(page.get_by_text("In the shop's currency.").first).to_be_visible()
