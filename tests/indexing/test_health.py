"""Each check says yes when all is well, and what to do when it is not."""

import socket
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from celery import current_app
from django.db.models import F
from kombu import Connection

from similarity.connections import wakeup
from similarity.models import PendingProduct
from similarity.operations import health
from similarity.outbox import draining
from similarity.vectors import heartbeats, indexes
from similarity.versions import lifecycle

pytestmark = pytest.mark.django_db


@pytest.fixture
def healthy(make_product, monkeypatch):
    monkeypatch.setattr(heartbeats, "_noted", {})
    make_product()
    draining.drain()
    return lifecycle.ensure_live_version()


def test_all_is_well(healthy):
    assert {name: check for name, check in health.checks().items() if not check.ok} == {}


def test_a_fresh_install_says_what_to_start():
    checks = health.checks()
    assert [name for name, c in checks.items() if not c.ok] == ["version", "index", "worker"]
    assert "manage.py similarity embed" in checks["version"].detail
    assert "-Q similarity" in checks["worker"].detail


def test_a_missing_index_is_named(healthy):
    indexes.drop_indexes(healthy)
    check = health.checks()["index"]
    assert not check.ok
    assert "fused missing" in check.detail


def test_an_outbox_that_is_not_drained(healthy):
    PendingProduct.objects.enqueue(["1"])
    PendingProduct.objects.update(available_at=F("available_at") - timedelta(hours=1))
    assert not health.checks()["outbox"].ok


def test_a_dead_broker_answers_fast(healthy, dead_broker):
    began = time.monotonic()
    assert not health.checks()["broker"].ok
    assert time.monotonic() - began < 10, "Celery by itself tries again and again"


def test_a_dead_database_is_one_failure_with_the_others_unchecked(monkeypatch):
    def refuse(*args):
        raise ConnectionError("refused")

    monkeypatch.setattr(health, "_database", refuse)
    checks = health.checks()
    assert checks["database"].detail == "ConnectionError: refused"
    assert "not checked" in checks["index"].detail


def test_a_worker_silent_for_long_is_forgotten(healthy, monkeypatch):
    assert health.checks()["worker"].ok
    later = time.time() + heartbeats.SEEN_S + 1
    clock = SimpleNamespace(time=lambda: later, monotonic=time.monotonic)
    monkeypatch.setattr(heartbeats, "time", clock)
    assert not health.checks()["worker"].ok


def test_a_broker_that_never_answers_costs_a_wakeup_little(monkeypatch):
    """The kernel accepts the connection and nobody ever replies."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        monkeypatch.setattr(
            current_app, "connection_for_write", lambda **options: Connection(address, **options)
        )
        began = time.monotonic()
        assert not wakeup.wake()
        assert time.monotonic() - began < 15
        monkeypatch.setattr(wakeup, "send", lambda *args, **kwargs: pytest.fail("asked again"))
        assert not wakeup.wake(), "paused"
