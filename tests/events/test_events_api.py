"""POST events/: kept once, by consent, within bounds, and each faulty event refused alone."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient

from similarity.events.identity import COOKIE
from similarity.events.models import Event, EventBatch, Kind, Profile
from tests.configure import with_settings

ADDRESS = "/api/similarity/v1/events/"
PREFERENCES = "/api/similarity/v1/me/preferences/"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return APIClient(HTTP_USER_AGENT=BROWSER)


@pytest.fixture
def shopper(client):
    """A client whose shopper consented."""
    assert client.put(PREFERENCES, {"consent": True}, format="json").json()["consent"]
    return client


@pytest.fixture
def mug(make_product):
    return make_product(name="Mug")


def send(client, *events, **body):
    return client.post(ADDRESS, {"events": list(events), **body}, format="json")


def test_an_event_of_a_shopper_who_consented_is_kept(shopper, mug):
    answer = send(shopper, {"type": "view", "product": mug.pk})
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 1, "repeated": False, "refused": []}
    assert answer["Cache-Control"] == "private, no-store"
    event = Event.objects.get()
    assert (event.kind, event.product_id, event.by_server) == (Kind.VIEW, mug.pk, False)
    assert event.profile_id == Profile.objects.get().pk


def test_without_consent_nothing_is_kept(client, mug):
    cache.clear()
    answer = send(client, {"type": "view", "product": mug.pk})
    assert answer.status_code == 202
    assert answer.json()["reason"] == "no_consent"
    assert not client.cookies
    assert not Event.objects.exists()
    assert not Profile.objects.exists()
    assert not EventBatch.objects.exists()
    assert not cache._cache.get_client().keys("*")


@pytest.mark.parametrize("header", ["HTTP_SEC_GPC", "HTTP_DNT"])
def test_a_browser_that_refuses_is_never_followed(shopper, mug, header):
    answer = shopper.post(
        ADDRESS, {"events": [{"type": "view", "product": mug.pk}]}, format="json", **{header: "1"}
    )
    assert answer.json()["reason"] == "no_consent"
    assert not Event.objects.exists()
    other = APIClient(HTTP_USER_AGENT=BROWSER, **{header: "1"})
    told = other.put(PREFERENCES, {"consent": True}, format="json").json()
    assert told == {
        "consent": False,
        "personal": False,
        "reasons": False,
        "refused_by_browser": True,
    }
    assert not other.cookies


def test_the_same_key_adds_nothing(shopper, mug):
    key = str(uuid.uuid4())
    event = {"type": "view", "product": mug.pk}
    assert send(shopper, event, key=key).json()["accepted"] == 1
    again = send(shopper, event, key=key).json()
    assert again == {"accepted": 0, "repeated": True, "refused": []}
    by_header = shopper.post(
        ADDRESS, {"events": [event]}, format="json", headers={"Idempotency-Key": key}
    )
    assert by_header.json()["repeated"]
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"type": "fly", "product": 1}, "type is 'fly'"),
        ({"type": "view"}, "needs a product"),
        ({"type": "view", "product": 10**30}, "not known here"),
        ({"type": "view", "product": "no such"}, "not known here"),
        ({"type": "view", "product": 999_999_999}, "not known here"),
        ({"type": "view", "product": True}, "give its key"),
        ({"type": "view", "products": list(range(21))}, "21 products"),
        ({"type": "view", "products": 1.5}, "list of keys"),
        ({"type": "search", "query": "  "}, "needs a query"),
        ({"type": "search", "query": "x" * 201}, "at most 200"),
        ({"type": "search", "query": "a\0b"}, "without NUL"),
        ("view", "an object"),
        ({"type": ["view"]}, "type is"),
    ],
)
def test_a_faulty_event_is_refused_alone(shopper, mug, event, reason):
    answer = send(shopper, {"type": "view", "product": mug.pk}, event).json()
    assert answer["accepted"] == 1
    [refused] = answer["refused"]
    assert refused["index"] == 1
    assert reason in refused["reason"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"quantity": 0}, "quantity is 0"),
        ({"quantity": "2"}, "quantity is '2'"),
        ({"value": "cheap"}, "value is 'cheap'"),
        ({"value": "NaN"}, "value is 'NaN'"),
        ({"value": -1}, "value is -1"),
        ({"value": "1e400"}, "value is"),
        ({"currency": "euro"}, "currency is 'euro'"),
        ({"token": "t" * 201}, "token must be"),
        ({"at": "yesterday"}, "at is 'yesterday'"),
        ({"at": "2020-01-01T00:00:00Z"}, "days ago or more"),
    ],
)
def test_a_faulty_field_is_named_with_its_remedy(shopper, mug, fields, reason):
    answer = send(shopper, {"type": "view", "product": mug.pk, **fields}).json()
    assert answer["accepted"] == 0
    assert reason in answer["refused"][0]["reason"]
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"events": []},
        {"events": "view"},
        {"events": [{"type": "view"}] * 1001},
        {"events": [{"type": "view"}], "key": "no uuid"},
        {"events": [{"type": "view"}], "sent_at": "soon"},
        {"events": [{"type": "view"}], "user": 3},
        {},
    ],
)
def test_a_faulty_request_is_refused_whole(shopper, body):
    assert shopper.post(ADDRESS, body, format="json").status_code == 400


def test_names_of_other_tools_and_their_items_are_understood(shopper, mug, make_product):
    pan = make_product(name="Pan")
    answer = send(
        shopper,
        {"event": "view_item", "item_id": str(mug.pk)},
        {
            "event": "Order Completed",
            "properties": {
                "currency": "EUR",
                "items": [
                    {"item_id": mug.pk, "quantity": 2, "price": 7.5},
                    {"product_id": pan.pk, "price": "20.00"},
                ],
            },
        },
    ).json()
    assert answer == {"accepted": 3, "repeated": False, "refused": []}
    rows = Event.objects.filter(kind=Kind.PURCHASE).order_by("product_id")
    told = list(rows.values_list("product_id", "quantity", "value", "currency"))
    assert [(key, number, str(value), money) for key, number, value, money in told] == [
        (mug.pk, 2, "7.50", "EUR"),
        (pan.pk, 1, "20.00", "EUR"),
    ]


def test_a_search_is_kept_without_the_shopper_and_without_names(shopper):
    send(
        shopper,
        {"type": "search", "query": "  red   mug "},
        {"type": "search", "query": "ada@example.com"},
        {"type": "search", "query": "0170 123 45 67"},
    )
    rows = Event.objects.values_list("query", "profile_id")
    assert sorted(rows) == [("", None), ("", None), ("red mug", None)]


def test_a_wrong_clock_is_corrected_and_nothing_lies_in_the_future(shopper, mug):
    now = timezone.now()
    wrong = now + timedelta(hours=5)
    view = {"type": "view", "product": mug.pk}
    send(
        shopper,
        {**view, "at": (wrong - timedelta(minutes=10)).isoformat()},
        sent_at=wrong.isoformat(),
    )
    assert abs(Event.objects.get().at - (now - timedelta(minutes=10))) < timedelta(seconds=30)
    send(shopper, {**view, "at": wrong.isoformat()})
    assert Event.objects.order_by("at").last().at <= timezone.now()


def test_a_shopper_s_minute_is_bounded_and_the_rest_named(shopper, mug, settings):
    settings.SIMILARITY = with_settings(EVENTS={"PER_MINUTE": 5})
    views = [{"type": "view", "product": mug.pk}] * 4
    assert send(shopper, *views).json()["accepted"] == 4
    answer = send(shopper, *views).json()
    assert answer["accepted"] == 1
    assert [one["index"] for one in answer["refused"]] == [1, 2, 3]
    assert Event.objects.count() == 5


def test_products_of_denied_categories_and_hidden_ones_leave_no_event(
    shopper, make_product, settings
):
    settings.SIMILARITY = with_settings(EVENTS={"DENIED_CATEGORIES": ["Health"]})
    denied = make_product(category="Health")
    hidden = make_product(is_active=False)
    fine = make_product(category="Kitchen")
    events = [{"type": "view", "product": one.pk} for one in (denied, hidden, fine)]
    assert send(shopper, *events).json()["accepted"] == 1
    assert Event.objects.get().product_id == fine.pk


def test_a_bot_leaves_nothing(mug):
    bot = APIClient(HTTP_USER_AGENT="Googlebot/2.1 (+http://www.google.com/bot.html)")
    bot.put(PREFERENCES, {"consent": True}, format="json")
    assert send(bot, {"type": "view", "product": mug.pk}).json()["reason"] == "bot"
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}, 202),
        ({"Origin": "https://app.example.com", "Sec-Fetch-Site": "cross-site"}, 202),
        ({}, 202),
    ],
)
def test_a_page_of_another_site_cannot_record(shopper, mug, settings, headers, status):
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.com"]
    body = {"events": [{"type": "view", "product": mug.pk}]}
    answer = shopper.post(ADDRESS, body, format="json", headers=headers)
    assert answer.status_code == status, answer.json()
    assert Event.objects.count() == (status == 202)


def test_a_form_is_no_way_in(shopper, mug):
    answer = shopper.post(ADDRESS, {"events": "x"}, format="multipart")
    assert answer.status_code == 415


def test_a_planted_or_guessed_token_names_nobody(client, mug):
    client.cookies[COOKIE] = "planted-by-somebody-else-0000000"
    assert send(client, {"type": "view", "product": mug.pk}).json()["reason"] == "no_consent"
    client.put(PREFERENCES, {"consent": True}, format="json")
    assert client.cookies[COOKIE].value != "planted-by-somebody-else-0000000"


def test_the_cookie_is_for_the_server_alone(shopper):
    cookie = shopper.cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    profile = Profile.objects.get()
    assert profile.pseudonym not in cookie.value
    assert cookie.value not in profile.pseudonym


def test_a_rotated_key_keeps_its_shoppers(shopper, mug, settings):
    before = Profile.objects.get().pseudonym
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new key of tests"
    assert send(shopper, {"type": "view", "product": mug.pk}).json()["accepted"] == 1
    assert Profile.objects.get().pseudonym != before
    settings.SECRET_KEY_FALLBACKS = []
    assert send(shopper, {"type": "view", "product": mug.pk}).json()["accepted"] == 1


def test_withdrawing_consent_erases_everything(shopper, mug):
    send(shopper, {"type": "view", "product": mug.pk})
    answer = shopper.put(PREFERENCES, {"consent": False}, format="json")
    assert not answer.json()["consent"]
    assert shopper.cookies[COOKIE].value == ""
    assert not Event.objects.exists()
    assert not Profile.objects.exists()


def test_preferences_are_the_shopper_s_own(shopper):
    answer = shopper.put(PREFERENCES, {"reasons": False}, format="json").json()
    assert answer == {
        "consent": True,
        "personal": True,
        "reasons": False,
        "refused_by_browser": False,
    }
    other = APIClient(HTTP_USER_AGENT=BROWSER)
    assert not other.get(PREFERENCES).json()["consent"]
    assert other.put(PREFERENCES, {"personal": False}, format="json").json()["consent"] is False
    assert Profile.objects.get().personal


def test_a_consent_tool_decides(client, mug, settings):
    settings.SIMILARITY = with_settings(EVENTS={"CONSENT": "tests.events.consent.by_cookie"})
    assert send(client, {"type": "view", "product": mug.pk}).json()["reason"] == "no_consent"
    client.cookies["tool"] = "yes"
    assert send(client, {"type": "view", "product": mug.pk}).json()["accepted"] == 1
    assert send(client, {"type": "view", "product": mug.pk}).json()["accepted"] == 1
    assert Profile.objects.count() == 1
    client.cookies["tool"] = "no"
    assert send(client, {"type": "view", "product": mug.pk}).json()["reason"] == "no_consent"


def test_a_consent_tool_that_fails_is_a_no(client, mug, settings, caplog):
    settings.SIMILARITY = with_settings(EVENTS={"CONSENT": "tests.events.consent.broken"})
    assert send(client, {"type": "view", "product": mug.pk}).json()["reason"] == "no_consent"
    assert "EVENTS['CONSENT'] failed" in caplog.text


def test_a_signed_in_shopper_needs_no_cookie(client, mug):
    ada = User.objects.create_user("ada")
    client.force_authenticate(ada)
    client.put(PREFERENCES, {"consent": True}, format="json")
    assert COOKIE not in client.cookies
    assert send(client, {"type": "like", "product": mug.pk}).json()["accepted"] == 1
    assert Event.objects.get().profile.user == ada


def test_too_many_requests_of_an_address_are_limited(shopper, mug, settings):
    settings.SIMILARITY = with_settings(API={"THROTTLE": {"events": "3/min"}})
    codes = [send(shopper, {"type": "view", "product": mug.pk}).status_code for _ in range(5)]
    assert codes == [202, 202, 202, 429, 429]
    assert not [key for key in cache._cache.get_client().keys("*") if b"throttle" in key]


def test_the_most_events_and_products_of_a_request(shopper, mug, settings):
    settings.SIMILARITY = with_settings(EVENTS={"PER_MINUTE": 1_000})
    events = [{"type": "view", "product": mug.pk}] * 1000
    assert send(shopper, *events).json()["accepted"] == 1000


def test_a_process_that_writes_enough_refuses_at_once(shopper, mug, monkeypatch):
    import threading

    from similarity.events import recording

    writers = threading.BoundedSemaphore(1)
    monkeypatch.setattr(recording, "_writers", writers)
    writers.acquire()
    answer = send(shopper, {"type": "view", "product": mug.pk})
    assert answer.status_code == 503
    assert answer["Retry-After"]
    writers.release()
    assert send(shopper, {"type": "view", "product": mug.pk}).status_code == 202
