"""The tasks, called as a worker calls them."""

# ruff: noqa: F811 - fixtures that are imported

import threading
import time
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from celery import current_app
from celery.schedules import maybe_schedule
from django.conf import settings
from django.utils import timezone

from similarity import beat_schedule, tasks, worker
from similarity.models import EncoderVersion, PendingProduct, ProductVectors
from similarity.outbox import fallback_poller
from similarity.vectors import heartbeats
from similarity.versions import lifecycle
from tests.encoders_fake import HashEncoder, similarity_settings
from tests.fixtures_indexing import fake_encoders, wakeups  # noqa: F401

SCHEDULE = beat_schedule(settings.INSTALLED_APPS)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_encoders")]


def test_beat_drains_what_a_lost_message_left(make_product, wakeups):
    product = make_product()
    [task] = [s["task"] for s in SCHEDULE.values() if "drain" in s["task"]]
    assert wakeups == [], "no message came"
    current_app.tasks[task]()
    assert ProductVectors.objects.filter(product=product).exists()
    assert not PendingProduct.objects.exists()


def test_every_scheduled_task_exists():
    current_app.loader.import_default_modules()
    assert {s["task"] for s in SCHEDULE.values()} <= set(current_app.tasks)


@pytest.mark.parametrize("name", SCHEDULE)
def test_nightly_work_is_done_however_often_beat_is_started_anew(name):
    """An interval of a day begins anew with each start that finds no file of the last one."""

    def next_run(started):
        schedule = maybe_schedule(deepcopy(SCHEDULE[name]["schedule"]))
        schedule.nowfun = lambda: started
        return started + timedelta(seconds=schedule.is_due(started).next)

    noon = datetime(2026, 3, 3, 12, tzinfo=UTC)
    often = next_run(noon) - noon <= timedelta(hours=1)
    assert often or next_run(noon) == next_run(noon + timedelta(hours=8))


def test_a_drain_out_of_time_asks_for_another(make_product, wakeups, monkeypatch, settings):
    settings.SIMILARITY = similarity_settings(WORKERS={"BATCH_SIZE": 2})
    for _ in range(5):
        make_product()
    lifecycle.ensure_live_version()
    PendingProduct.objects.update(force=True)
    monkeypatch.setattr(tasks, "BUDGET_S", 0.05)
    HashEncoder.before = lambda: time.sleep(0.06)
    tasks.drain_outbox()
    assert PendingProduct.objects.count() == 3
    assert wakeups == ["similarity.drain_outbox"]


def test_weights_that_are_gone_are_logged_once_and_rows_stay(make_product, monkeypatch, caplog):
    lifecycle.ensure_live_version()
    make_product()
    monkeypatch.setattr(HashEncoder, "weights", "+retrained")
    assert tasks.drain_outbox() == 0
    assert "similarity build" in caplog.text
    assert PendingProduct.objects.waiting().count() == 1


def test_retired_versions_but_one_are_dropped(make_product):
    make_product()
    lifecycle.ensure_live_version()
    for _ in range(3):
        lifecycle.promote(lifecycle.build_version())
    EncoderVersion.objects.update(retired_at=timezone.now() - timedelta(days=2))
    dropped = tasks.drop_retired_versions()
    assert len(dropped) == 2
    assert sorted(EncoderVersion.objects.values_list("status", flat=True)) == ["live", "retired"]


def test_a_worker_of_another_queue_is_no_worker_of_ours(monkeypatch):
    monkeypatch.setattr(heartbeats, "_noted", {})
    monkeypatch.setattr(type(current_app.amqp.queues), "consume_from", {"celery": 1}, raising=False)
    worker._note_alive()
    assert heartbeats.seen() == {}
    monkeypatch.setattr(
        type(current_app.amqp.queues), "consume_from", {"similarity": 1}, raising=False
    )
    worker._note_alive()
    assert len(heartbeats.seen()) == 1


@pytest.mark.parametrize(
    ("pool", "queue", "watched"),
    [
        ("celery.concurrency.prefork", "similarity", True),
        ("celery.concurrency.solo", "similarity", False),
        ("celery.concurrency.prefork", "celery", False),
    ],
)
def test_prefork_pools_that_drain_the_outbox_are_looked_after(pool, queue, watched, monkeypatch):
    """From before they have processes; solo ends as a whole, and others have nothing to embed."""
    started = []
    monkeypatch.setattr(fallback_poller, "start", started.append)
    monkeypatch.setattr(type(current_app.amqp.queues), "consume_from", {queue: 1}, raising=False)
    running = SimpleNamespace(pool_cls=type("TaskPool", (), {"__module__": pool}))
    worker._watch_pool(instance=running)
    assert bool(started) == watched
    if watched:
        (processes,) = started
        assert processes() == []
        running.pool = SimpleNamespace(active=False)
        assert processes() == []
        running.pool = SimpleNamespace(active=True, info={"processes": [7, 8]})
        assert processes() == [7, 8]


def test_a_worker_without_heartbeats_is_seen(monkeypatch):
    noted = threading.Event()
    monkeypatch.setattr(worker, "ALIVE_EVERY_S", 0.01)
    monkeypatch.setattr(worker, "_note_alive", noted.set)
    worker._stay_known()
    assert noted.wait(10)
    worker._be_forgotten()


def test_the_schedule_holds_the_work_of_the_installed_apps_on_the_queue_that_is_set():
    alone = beat_schedule(["shop", "similarity"], {"WORKERS": {"QUEUE": "similarity.gpu"}})
    assert {one["task"] for one in alone.values()} >= {"similarity.drain_outbox"}
    assert {one["options"]["queue"] for one in alone.values()} == {"similarity.gpu"}
    more = beat_schedule(["similarity", "similarity.insights"])
    assert {name for name in more if name not in alone} == {"similarity-find-duplicates"}
