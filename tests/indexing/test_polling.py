"""Workers look at the outbox by themselves; messages only make it quicker."""

import time

import pytest
from django.db import InterfaceError, OperationalError, connections

from similarity.exceptions import EncoderError
from similarity.models import PendingProduct
from similarity.outbox import draining, polling
from similarity.versions import lifecycle

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(polling, "POLL_S", 0.05)
    monkeypatch.setattr(polling, "ERROR_WAIT_S", 0.05)
    yield
    polling.stop()


def wait_for(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_products_are_embedded_without_a_message_or_beat(make_product, quick, wakeups):
    lifecycle.ensure_live_version()
    make_product()
    polling.start()
    wait_for(lambda: not PendingProduct.objects.exists())
    polling.stop()
    make_product()
    time.sleep(0.3)
    assert PendingProduct.objects.exists(), "a process that was told to stop takes nothing more"


def test_a_process_that_starts_looks_at_once(make_product, monkeypatch):
    """Its forerunner may have been killed, and no message tells of that."""
    monkeypatch.setattr(polling, "POLL_S", 60.0)
    lifecycle.ensure_live_version()
    make_product()
    polling.start()
    try:
        wait_for(lambda: not PendingProduct.objects.exists())
    finally:
        polling.stop()


def test_a_process_that_polls_already_starts_no_second_thread(quick):
    polling.start()
    first = polling._thread
    polling.start()
    assert polling._thread is first


def test_an_error_is_said_once_and_polling_goes_on(make_product, quick, monkeypatch, caplog):
    drain, calls = draining.drain, []

    def fail_at_first(budget_s):
        calls.append(budget_s)
        if len(calls) < 4:
            raise OperationalError("the database restarts")
        return drain(budget_s)

    monkeypatch.setattr(draining, "drain", fail_at_first)
    lifecycle.ensure_live_version()
    make_product()
    polling.start()
    wait_for(lambda: not PendingProduct.objects.exists())
    assert caplog.text.count("the database restarts") == 1


@pytest.mark.parametrize(
    ("error", "soon"),
    [
        (OperationalError("the server is starting up"), True),
        (InterfaceError("connection already closed"), True),
        (EncoderError("no weights"), False),
    ],
)
def test_a_database_that_was_away_is_asked_again_sooner_than_missing_weights(
    quick, monkeypatch, error, soon
):
    """It is back within seconds, and each more that nobody looks is a second of delay."""
    monkeypatch.setattr(polling, "ERROR_WAIT_S", 60.0)
    calls = []

    def fail(budget_s):
        calls.append(budget_s)
        raise error

    monkeypatch.setattr(draining, "drain", fail)
    polling.start()
    wait_for(lambda: len(calls) > soon)
    time.sleep(0.0 if soon else 0.5)
    assert (len(calls) > 1) == soon


def test_a_task_and_the_thread_of_one_process_take_turns(quick, monkeypatch):
    """Both at once would take the memory of two batches, and each the time of the other."""
    drained, during = [], []

    def drain(budget_s):
        drained.append(time.monotonic())
        with polling.by_task() as free:
            during.append(free)
        return 0

    monkeypatch.setattr(draining, "drain", drain)
    with polling.by_task() as free:
        assert free
        polling.start()
        time.sleep(0.3)
        assert not drained, "a task drains"
    wait_for(lambda: drained)
    assert not any(during), "the thread drained, and the task left it to it"


def sessions():
    """Process numbers of the clients of this database; autovacuum is none of them."""
    with connections[PendingProduct.objects.write_alias].cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend'"
        )
        return {pid for (pid,) in cursor.fetchall()}


def test_polling_leaves_no_connection_open(quick, monkeypatch):
    drain, polled = draining.drain, []
    before = sessions()

    def drained(budget_s):
        done = drain(budget_s)
        polled.append(sessions() - before)
        return done

    monkeypatch.setattr(draining, "drain", drained)
    polling.start()
    wait_for(lambda: polled)
    polling.stop()
    assert polled[0], "it has one of its own while it polls"
    wait_for(lambda: sessions() <= before)  # the server notices the end a moment later
