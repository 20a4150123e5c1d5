"""A new visitor's first clicks, a refusal, and what "forget me" leaves: in a real browser."""

import json
import re

import pytest
from django.core.cache import cache
from django.db import connection
from playwright.sync_api import expect

from similarity.events.models import Event, Profile
from similarity.outbox import draining
from tests.fixtures_indexing import fake_encoders  # noqa: F401

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fake_encoders"),
]

COLOURS = ["Navy", "Olive", "Crimson", "Teal", "Gold", "Black", "White", "Grey", "Plum", "Rust"]
KINDS = ["wool scarf", "oak chair", "stoneware mug"]


@pytest.fixture
def products(make_product):
    made = [
        make_product(name=f"{colour} {kind}", category=kind.split()[1].capitalize())
        for kind in KINDS
        for colour in COLOURS
    ]
    draining.drain()
    return made


@pytest.fixture
def mugs(products):
    return [product for product in products if "mug" in product.name]


def kept(page, number):
    """Wait until that many events are kept: the script sends them beside the page."""
    for _try in range(300):
        if Event.objects.count() >= number:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{Event.objects.count()} events are kept")


def for_you(page):
    return page.get_by_role("region", name="For you").locator(".card__name")


def look_at(page, products):
    for product in products:
        page.goto(product.get_absolute_url())
        expect(page.get_by_role("heading", level=1)).to_have_text(product.name)


def test_three_clicks_make_the_home_page_personal(open_page, mugs):
    page = open_page()
    page.goto("/")
    expect(for_you(page)).to_have_count(0)
    page.get_by_role("button", name="Yes, remember").click()
    expect(page.get_by_role("status")).to_contain_text("follow what you look at")
    look_at(page, mugs[:3])
    page.goto("/")
    kept(page, 3)
    page.goto("/")
    expect(for_you(page).first).to_be_visible()
    names = for_you(page).all_inner_texts()
    assert all("mug" in name for name in names[:4]), names
    assert not {mug.name for mug in mugs[:3]} & set(names)

    refused = names[0]
    card = page.get_by_role("region", name="For you").locator(".card", has_text=refused)
    card.get_by_role("button", name=re.compile("Not interested")).click()
    expect(page.get_by_role("region", name="For you")).to_be_visible()
    assert refused not in for_you(page).all_inner_texts()


def test_the_second_page_already_follows_the_first(open_page, mugs):
    page = open_page()
    page.goto("/")
    page.get_by_role("button", name="Yes, remember").click()
    page.goto(mugs[0].get_absolute_url())
    page.goto("/")
    kept(page, 1)
    page.goto("/")
    assert "mug" in for_you(page).first.inner_text()


@pytest.mark.parametrize("how", ["refused", "asked by the browser"])
def test_without_consent_nothing_is_kept(open_page, mugs, how):
    cache.clear()
    options = {"extra_http_headers": {"Sec-GPC": "1"}} if how != "refused" else {}
    page = open_page(**options)
    page.goto("/")
    banner = page.get_by_role("region", name="May we remember what you look at?")
    if how == "refused":
        page.get_by_role("button", name="No", exact=True).click()
    expect(banner).to_have_count(0)
    look_at(page, mugs[:3])
    page.goto("/")
    expect(banner).to_have_count(0)
    expect(for_you(page)).to_have_count(0)
    page.wait_for_timeout(300)
    assert not Event.objects.exists()
    assert not Profile.objects.exists()
    assert {cookie["name"] for cookie in page.context.cookies()} <= {"csrftoken"}
    assert not keys_of_events()


def keys_of_events() -> list[str]:
    client = cache._cache.get_client()
    return [key.decode() for key in client.keys("*") if b"event" in key or b"shopper" in key]


def test_a_shopper_sees_downloads_and_erases_what_is_kept(open_page, mugs):
    page = open_page()
    page.goto("/account/")
    page.get_by_role("button", name="Yes, remember").click()
    look_at(page, mugs[:2])
    page.goto("/account/")
    kept(page, 2)
    page.goto("/account/")
    history = page.get_by_role("region", name="What you looked at").locator(".card__name")
    assert {mugs[0].name, mugs[1].name} == set(history.all_inner_texts())

    with page.expect_download() as started:
        page.get_by_role("link", name="Download everything").click()
    exported = json.loads(started.value.path().read_text())
    assert mugs[0].name in json.dumps(exported)

    key = str(Profile.objects.get().pk)
    page.get_by_role("button", name="Forget me").click()
    expect(page.get_by_role("status")).to_contain_text("forgotten")
    assert not [c for c in page.context.cookies() if c["name"] == "similarity_shopper"]
    assert not Event.objects.exists()
    assert not any(key in row for row in every_row())


def every_row() -> list[str]:
    """Return every row of every table as text."""
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT whole::text FROM "{table}" AS whole')
            rows += [text for (text,) in cursor.fetchall()]
    return rows


def test_on_a_phone_the_question_fits_and_leaves_the_page_usable(open_page, mugs):
    page = open_page("phone")
    page.goto(mugs[0].get_absolute_url())
    banner = page.get_by_role("region", name="May we remember what you look at?")
    expect(banner).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("status")).to_contain_text("was added")
