"""The script of events in a real browser, under the shop's strict content security policy."""

import json

import pytest
from django.http import HttpResponse
from django.template import RequestContext, Template
from django.urls import path

from shop.urls import urlpatterns as shop_urls
from similarity.events.api import views
from similarity.events.identity import COOKIE, pseudonym_of
from similarity.events.models import Event, Kind, Profile

SOURCE = """<!doctype html><html lang="en"><head><title>A shelf</title>{% load similarity_events %}
{% event_script %}</head><body><main>{% track_view key %}
<ul><li data-similarity-product="{{ key }}" data-similarity-token="similar_products:fused">
<a href="#name">A mug</a> <button type="button">Zoom</button></li></ul>
<button type="button" data-similarity-event="not_interested" data-similarity-key="{{ key }}">No
</button>
<form id="like" data-similarity-event="like" data-similarity-key="{{ key }}" method="dialog">
<input aria-label="Note"><button>Like</button></form>
<p>{{ filler }}</p>
<div id="lazy"></div>
<ul><li data-similarity-product="{{ other }}">Far below</li></ul></main></body></html>"""

TALL = "<br>" * 150


def shelf(request, key, other):
    context = {"key": key, "other": other, "filler": Template(TALL).render(RequestContext(request))}
    return HttpResponse(Template(SOURCE).render(RequestContext(request, context)))


urlpatterns = [path("shelf/<int:key>/<int:other>/", shelf), *shop_urls]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls(__name__),
]


@pytest.fixture
def products(make_product):
    return [make_product(), make_product()]


@pytest.fixture
def address(products):
    return f"/shelf/{products[0].pk}/{products[1].pk}/"


@pytest.fixture
def consenting(open_page, live_server, monkeypatch):
    """A page of a shopper who consented.

    A headless Chromium is a bot by its name, and a beacon of a page that is gone has that name
    whatever ``user_agent`` the context was given.
    """
    monkeypatch.setattr(views, "is_bot", lambda request: False)
    Profile.objects.create(pseudonym=pseudonym_of("a token"))

    def open_(**options):
        page = open_page(**options)
        cookie = {"name": COOKIE, "value": "a token", "url": live_server.url, "httpOnly": True}
        page.context.add_cookies([cookie])
        return page

    return open_


def kept(page, *wanted):
    """Wait until events of exactly these kinds are kept, and return them."""
    for _try in range(150):
        if Event.objects.count() >= len(wanted):
            break
        page.wait_for_timeout(100)
    events = list(Event.objects.order_by("at"))
    assert sorted(event.kind for event in events) == sorted(wanted)
    return events


def test_views_clicks_impressions_and_opinions_are_kept_once(consenting, address, products):
    page = consenting()
    page.goto(address)
    page.wait_for_timeout(1_500)  # half visible for a second
    page.get_by_role("button", name="Zoom").click()  # no link, so no click on the product
    page.get_by_role("textbox").click()  # within a form, which is not sent
    page.get_by_role("link", name="A mug").click()
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_role("button", name="Like").click()
    page.goto("about:blank")
    kinds = [Kind.VIEW, Kind.IMPRESSION, Kind.CLICK, Kind.NOT_INTERESTED, Kind.LIKE]
    events = kept(page, *kinds)
    assert {event.product_id for event in events} == {products[0].pk}
    tokens = {Kind(event.kind): event.token for event in events}
    assert tokens[Kind.CLICK] == tokens[Kind.IMPRESSION] == "similar_products:fused"


def test_a_card_counts_once_it_was_half_visible_for_a_second(consenting, address, products):
    page = consenting()
    page.goto(address)
    page.wait_for_timeout(1_500)
    below = page.get_by_text("Far below")
    below.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    page.evaluate("scrollTo(0, 0)")  # too short
    page.wait_for_timeout(1_500)
    page.goto("about:blank")
    events = kept(page, Kind.VIEW, Kind.IMPRESSION)
    assert {event.product_id for event in events} == {products[0].pk}


def test_a_shelf_that_comes_later_is_watched_too(consenting, address, products):
    page = consenting()
    page.goto(address)
    page.evaluate(
        """key => {
            const place = document.querySelector("#lazy");
            place.innerHTML = `<p data-similarity-product="${key}">Late</p>`;
            place.dispatchEvent(new CustomEvent("similarity:loaded", { bubbles: true }));
            place.scrollIntoView();
        }""",
        products[1].pk,
    )
    page.wait_for_timeout(1_500)
    page.goto("about:blank")
    events = Event.objects.filter(kind=Kind.IMPRESSION, product_id=products[1].pk)
    for _try in range(100):
        if events.exists():
            return
        page.wait_for_timeout(100)
    raise AssertionError("the late card has no impression")


def test_a_batch_that_failed_is_sent_again_with_its_key(consenting, address):
    page = consenting(expected=503)
    keys = []

    def fail_twice(route):
        body = json.loads(route.request.post_data_buffer)
        if body["events"][0]["type"] != "view":
            route.continue_()
            return
        keys.append(body["key"])
        if len(keys) == 2:  # it is kept, but the answer is lost
            route.fetch()
        if len(keys) <= 2:
            route.fulfill(status=503)
        else:
            route.continue_()

    page.route("**/events/", fail_twice)
    page.goto(address)
    page.wait_for_timeout(17_000)  # a failed batch goes with the next, every five seconds
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert Event.objects.filter(kind=Kind.VIEW).count() == 1


def test_nothing_is_stored_in_the_browser(consenting, address):
    page = consenting()
    page.goto(address)
    kept(page, Kind.VIEW)
    stored = "[document.cookie, localStorage.length, sessionStorage.length]"
    assert page.evaluate(stored) == ["", 0, 0]


@pytest.mark.parametrize(
    ("name", "value"), [("globalPrivacyControl", "true"), ("doNotTrack", "'1'")]
)
def test_a_browser_that_refuses_sends_nothing(consenting, address, name, value):
    """The page came from a cache, for example: the server itself rendered the script."""
    page = consenting()
    page.add_init_script(f"Object.defineProperty(navigator, '{name}', {{ get: () => {value} }})")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if "/events/" in request.url else 0)
    page.goto(address)
    page.get_by_role("link", name="A mug").click()
    page.wait_for_timeout(6_000)
    page.goto("about:blank")
    page.wait_for_timeout(300)
    assert not [url for url in sent if url.endswith("/events/")]


def test_without_consent_the_page_sends_nothing(open_page, address):
    page = open_page()
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    page.goto(address)
    page.wait_for_timeout(1_000)
    assert len([url for url in sent if "events" in url]) == 0
    assert not page.context.cookies()
