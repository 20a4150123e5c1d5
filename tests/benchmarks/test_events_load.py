"""The benchmark of events counts what it says it counts."""

import threading
from argparse import Namespace

import pytest

from benchmarks.event_urls import PlainEvent, make_table
from benchmarks.events import ADDRESSES, TURNS, Result, make_shoppers, measure, report
from similarity.events import recording
from similarity.events.models import Event, Profile
from tests.configure import with_settings

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("benchmarks.event_urls")]

OPTIONS = Namespace(rate=200, batch=5, seconds=TURNS * 0.4)


@pytest.fixture
def port(live_server):
    return int(live_server.url.rsplit(":", 1)[1])


@pytest.fixture
def keys(make_product):
    return [make_product().pk for _ in range(3)]


def test_each_address_keeps_exactly_what_it_accepts(port, keys, settings):
    settings.SIMILARITY = with_settings(EVENTS={"PER_MINUTE": 1000}, API={"THROTTLE": None})
    make_table()
    cookies = make_shoppers()
    found = {
        name: [measure(port, path, keys, cookies, OPTIONS)] for name, path in ADDRESSES.items()
    }
    ours, plain = (results[0] for results in found.values())
    assert (ours.accepted, plain.accepted) == (Event.objects.count(), PlainEvent.objects.count())
    # A busy machine may shed some, but each request is counted on one side.
    assert ours.accepted + ours.failed * OPTIONS.batch == plain.accepted == 80
    assert ours.accepted > 0
    report(found, OPTIONS)


def test_refusals_are_counted_as_failed_and_with_their_times(port, keys, monkeypatch):
    monkeypatch.setattr(recording, "_writers", threading.BoundedSemaphore(1))
    cookies = make_shoppers()
    with recording._writer():
        result = measure(port, ADDRESSES["events/"], keys, cookies, OPTIONS)
    assert (result.accepted, result.failed, len(result.times)) == (0, 16, 16)


def test_a_shopper_without_consent_is_not_counted_as_kept(port, keys):
    """Otherwise a benchmark of refusals would look fast."""
    cookies = make_shoppers()
    Profile.objects.all().delete()
    result = measure(port, ADDRESSES["events/"], keys, cookies, OPTIONS)
    assert result.accepted == 0
    assert len(result.times) == 16


def test_shares_of_times():
    result = Result([float(number) for number in range(100, 0, -1)], 0, 0)
    assert (result.at(0.5), result.at(0.95), result.at(1)) == (51, 96, 100)
