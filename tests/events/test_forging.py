"""What a hostile client, or a careless call of the host, must not bring about."""

import json
import logging
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.test import APIClient

from similarity import logs
from similarity.events import recording
from similarity.events.identity import COOKIE, pseudonym_of
from similarity.events.models import Event, Kind, Profile
from similarity.events.new_event import NewEvent
from similarity.events.recording import record
from tests.configure import with_settings
from tests.events import traces

ADDRESS = "/api/similarity/v1/events/"
PREFERENCES = "/api/similarity/v1/me/preferences/"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    logs.forget()
    return APIClient(HTTP_USER_AGENT=BROWSER, raise_request_exception=False)


@pytest.fixture
def shopper(client):
    client.put(PREFERENCES, {"consent": True}, format="json")
    return client


@pytest.fixture
def mug(make_product):
    return make_product(name="Mug")


@pytest.fixture
def request_of():
    logs.forget()
    Profile.objects.create(pseudonym=pseudonym_of("a token"))
    request = RequestFactory().get("/")
    request.COOKIES[COOKIE] = "a token"
    return request


def send(client, events, **body):
    return client.post(ADDRESS, {"events": events, **body}, format="json")


def test_old_times_are_no_way_around_the_bound(shopper, mug, settings):
    settings.SIMILARITY = with_settings(EVENTS={"PER_MINUTE": 5})
    old = (timezone.now() - timedelta(days=1)).isoformat()
    for _ in range(6):
        send(shopper, [{"type": "view", "product": mug.pk, "at": old}] * 5)
    assert Event.objects.count() == 5


def test_searches_are_bounded_too(shopper, settings):
    settings.SIMILARITY = with_settings(EVENTS={"PER_MINUTE": 5})
    for _ in range(6):
        send(shopper, [{"type": "search", "query": "mugs"}] * 5)
    assert Event.objects.count() == 5


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ({"at": 10**400}, {}),
        ({"at": "9999-12-31T23:59:59Z"}, {"sent_at": "2001-01-01T00:00:00Z"}),
        ({"at": "0001-01-01T00:00:00Z"}, {"sent_at": "9999-12-31T00:00:00Z"}),
        ({"at": "0001-01-01T00:00:00+14:00"}, {}),
        ({}, {"sent_at": "0001-01-01T00:00:00+14:00"}),
        ({}, {"sent_at": "9999-12-31T23:59:59-14:00"}),
        ({"value": "1e999999999"}, {}),
        ({"value": 1e308}, {}),
        ({"quantity": 1e2}, {}),
        ({"product": 10**300}, {}),
        ({"properties": {"products": {"a": 1}}}, {}),
        ({"products": [[1]]}, {}),
        ({"products": [None]}, {}),
        ({"currency": ["EUR"]}, {}),
    ],
)
def test_nothing_that_a_client_sends_is_an_error_of_ours(shopper, mug, event, body):
    answer = send(shopper, [{"type": "view", "product": mug.pk, **event}], **body)
    assert answer.status_code in (202, 400), answer.content[:300]


@pytest.mark.parametrize("field", ["product", "token", "query", "currency", "at"])
def test_half_a_character_is_refused_and_no_error(shopper, mug, field):
    kind = "search" if field == "query" else "view"
    event = {"type": kind, "product": mug.pk, field: "HALF"}
    body = json.dumps({"events": [event]}).replace("HALF", "\\ud800")
    answer = shopper.post(ADDRESS, body, content_type="application/json")
    assert (answer.status_code, answer.json()["accepted"]) == (202, 0)


def test_a_profile_is_in_no_log(request_of, mug, caplog):
    profile = Profile.objects.get()
    for wrong in (
        {"quantity": -1},
        {"quantity": 10**12},
        {"value": "1e30"},
        {"value": "x"},
        {"currency": "EURO"},
        {"token": "t" * 500},
        {"token": "\0"},
    ):
        logs.forget()
        assert record(request_of, "view", mug, **wrong) in (True, False)
    assert str(profile.pk) not in caplog.text
    assert profile.pseudonym not in caplog.text


def test_a_server_side_search_keeps_no_name(request_of):
    record(request_of, "search", query="jane@example.com")
    record(request_of, "search", query="0049 170 1234567")
    assert not Event.objects.exclude(query="").exists()


def test_a_server_side_view_needs_a_product(request_of):
    assert not record(request_of, "view")
    assert not Event.objects.exists()


def test_an_adapter_s_error_leaves_the_host_s_transaction_usable(request_of, mug, monkeypatch):
    def fail(*args, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM no_such_table")

    monkeypatch.setattr(recording, "allowed_products", fail)
    with transaction.atomic():
        assert not record(request_of, "view", mug)
        assert Profile.objects.count() == 1


def test_a_missing_table_leaves_the_page_as_it_is(request_of):
    """The code is deployed before its migration."""
    page = Template("{% load similarity_events %}{% event_script %}")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE similarity_profile RENAME TO elsewhere")
        assert page.render(Context({"request": request_of})) == ""
        assert not Event.objects.exists()
        transaction.set_rollback(True)


def test_a_refused_request_leaves_no_profile(client, mug, settings, monkeypatch):
    settings.SIMILARITY = with_settings(EVENTS={"CONSENT": "tests.events.consent.by_cookie"})
    client.cookies["tool"] = "yes"
    send(client, [{"type": "nonsense"}])
    assert not Profile.objects.exists()


def test_a_busy_process_loses_no_cookie(client, mug, settings, monkeypatch):
    """Otherwise each further try would make one more profile."""
    settings.SIMILARITY = with_settings(EVENTS={"CONSENT": "tests.events.consent.by_cookie"})
    client.cookies["tool"] = "yes"
    monkeypatch.setattr(recording, "_writers", threading.BoundedSemaphore(1))
    with recording._writer():
        assert send(client, [{"type": "view", "product": mug.pk}]).status_code == 503
    assert send(client, [{"type": "view", "product": mug.pk}]).json()["accepted"] == 1
    assert Profile.objects.count() == 1


def test_ten_thousand_forged_events_are_a_minute_of_one_shopper(shopper, mug, settings):
    settings.SIMILARITY = with_settings(EVENTS={"PER_MINUTE": 120})
    for number in range(10):
        at = (timezone.now() - timedelta(hours=7 * number)).isoformat()
        send(shopper, [{"type": "purchase", "product": mug.pk, "at": at}] * 1000)
    assert Event.objects.count() == 120
    assert not Event.objects.filter(by_server=True).exists()


def test_forged_events_of_tokens_that_nobody_was_given_leave_nothing(client, mug):
    for number in range(50):
        client.cookies[COOKIE] = f"{number:032d}"
        send(client, [{"type": "view", "product": mug.pk}] * 200)
    assert not Event.objects.exists()
    assert not Profile.objects.exists()


def test_the_next_minute_counts_anew(shopper, mug, settings):
    settings.SIMILARITY = with_settings(EVENTS={"PER_MINUTE": 2})
    views = [{"type": "view", "product": mug.pk}] * 3
    assert send(shopper, views).json()["accepted"] == 2
    assert send(shopper, views).json()["accepted"] == 0
    Profile.objects.update(minute_began=timezone.now() - timedelta(seconds=61))
    assert send(shopper, views).json()["accepted"] == 2


def test_a_repeated_batch_costs_nothing_of_the_minute(shopper, mug, settings):
    settings.SIMILARITY = with_settings(EVENTS={"PER_MINUTE": 2})
    key = str(uuid.uuid4())
    for _ in range(5):
        send(shopper, [{"type": "view", "product": mug.pk}], key=key)
    assert send(shopper, [{"type": "view", "product": mug.pk}]).json()["accepted"] == 1


@pytest.mark.django_db(transaction=True)
def test_simultaneous_batches_share_one_bound(settings, make_product):
    settings.SIMILARITY = with_settings(EVENTS={"PER_MINUTE": 10})
    profile = Profile.objects.create(pseudonym="a" * 64)
    event = NewEvent(Kind.VIEW, timezone.now(), make_product().pk)

    def forge(_number):
        try:
            return recording.write(profile, [event] * 4, uuid.uuid4(), most_ms=5_000).rows
        finally:
            connection.close()

    with ThreadPoolExecutor(recording.AT_ONCE) as threads:
        written = list(threads.map(forge, range(8)))
    assert sum(written) == Event.objects.count() == 10


def test_a_host_without_time_zones(shopper, request_of, mug, settings):
    settings.USE_TZ = False
    at = datetime.now(UTC) - timedelta(hours=1)
    event = {"type": "view", "product": mug.pk, "at": at.isoformat()}
    sent = datetime.now(UTC).isoformat()
    assert send(shopper, [event], sent_at=sent).json()["accepted"] == 1
    assert record(request_of, "view", mug, at=at.replace(tzinfo=None) + timedelta(minutes=5))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM similarity_event WHERE at < now() - interval '30 min'")
        assert cursor.fetchone() == (2,)


def test_a_session_leaves_the_profile_in_no_log_and_no_cache(client, mug, caplog):
    cache.clear()
    caplog.set_level(logging.DEBUG, "similarity")
    caplog.set_level(logging.DEBUG, "django.request")
    answers = [client.put(PREFERENCES, {"consent": True}, format="json")]
    answers.append(send(client, [{"type": "view", "product": mug.pk}, {"type": "nonsense"}]))
    answers.append(send(client, [{"type": "view", "product": -1}], key=5))
    answers.append(client.get(PREFERENCES))
    profile, token = Profile.objects.get(), client.cookies[COOKIE].value
    secrets = [str(profile.pk), profile.pseudonym, token]
    assert traces.of_cache(secrets) == []
    for text in (caplog.text, *(answer.content.decode() for answer in answers)):
        assert not [secret for secret in secrets if secret in text]
    assert all("no-store" in answer["Cache-Control"] for answer in answers)


def test_segment_s_own_call_is_understood(shopper, mug):
    call = {
        "type": "track",
        "event": "Product Viewed",
        "messageId": "1",
        "properties": {"product_id": mug.pk, "price": 18.99, "currency": "EUR"},
    }
    assert send(shopper, [call]).json()["accepted"] == 1


def test_a_record_has_the_time_that_the_host_gives(request_of, mug):
    at = timezone.now() - timedelta(hours=2)
    assert record(request_of, "view", mug, at=at)
    assert Event.objects.get().at == at
