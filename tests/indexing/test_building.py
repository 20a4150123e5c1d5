"""A build goes on where it stopped, whatever stopped it, and tells how far it is."""

import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from similarity import tasks
from similarity.connections import wakeup
from similarity.connections.locks import LockTaken, advisory_lock, is_held
from similarity.models import EncoderVersion, PendingProduct, ProductVectors
from similarity.vectors import pipeline, upsert
from similarity.versions import build, lifecycle
from tests.databases import current_address
from tests.encoders_fake import similarity_settings
from tests.fixtures_indexing import wakeups  # noqa: F401
from tests.worker_process import ROOT, wait_for, worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue(make_product, settings):
    settings.SIMILARITY = similarity_settings(WORKERS={"BATCH_SIZE": 2})
    return [make_product(name=f"Product number {number}") for number in range(12)]


def stored(version):
    return ProductVectors.objects.of_version(version).count()


def build_in_a_process():
    return subprocess.run(
        [sys.executable, "manage.py", "similarity", "build", "--sample", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        env={
            **os.environ,
            "DATABASE_URL": current_address(),
            "DJANGO_SETTINGS_MODULE": "tests.worker_settings",
            "WORKER_BATCH_SIZE": "4",
        },
    )


@pytest.mark.django_db(transaction=True)
def test_a_killed_process_goes_on_and_a_product_that_kills_is_left_to_the_outbox(
    catalogue, settings
):
    """Without, the next run would die of the same product, and the next after it."""
    killer = next(one for one in catalogue[::-1] if str(one.pk) not in build.sample_keys(2))
    type(killer).objects.filter(pk=killer.pk).update(name="kill")
    PendingProduct.objects.all().delete()
    assert build_in_a_process().returncode == -9
    version = EncoderVersion.objects.get(status="building")
    done = stored(version)
    assert 2 < done < 12
    assert str(killer.pk) in version.progress["trying"]
    assert not build.is_building()
    told = build.described(version.progress, running=False)
    assert told == f"stopped at embedding {version.progress['done']:,} of 12"
    finished = build_in_a_process()
    assert finished.returncode == 0, finished.stderr
    version.refresh_from_db()
    assert version.status == "ready"
    left = set(PendingProduct.objects.values_list("product_key", flat=True))
    assert str(killer.pk) in left
    assert stored(version) == 12 - len(left)
    assert len(left) <= 4, "a batch at most, of BATCH_SIZE products"


def test_pages_that_are_done_are_not_read_again(catalogue, monkeypatch):
    monkeypatch.setattr(build, "PAGE", 4)
    read, afters = [], []
    pages = build.pages
    monkeypatch.setattr(
        build, "pages", lambda *where: (read.append(page) or page for page in pages(*where))
    )
    while (version := lifecycle.build_version(sample=1, budget_s=0)).status == "building":
        afters.append(version.progress.get("after"))
    assert [str(catalogue[at].pk) for at in (3, 7, 11)] == list(dict.fromkeys(filter(None, afters)))
    assert stored(version) == 12
    assert len(read) <= 6, "each page twice at most, for it is left in the middle"
    assert EncoderVersion.objects.count() == 1


def test_what_fails_and_what_the_host_holds_is_enqueued_with_its_page(
    catalogue, make_product, monkeypatch
):
    bad = make_product(name="poison")
    PendingProduct.objects.all().delete()
    held = str(catalogue[-1].pk)
    lock = upsert.lock_products
    monkeypatch.setattr(upsert, "lock_products", lambda keys: lock(keys) - {held})
    version = lifecycle.build_version(sample=1)
    assert version.figures["failed"] == 1
    assert set(PendingProduct.objects.values_list("product_key", flat=True)) == {str(bad.pk), held}


def test_progress_is_told_with_the_time_left():
    at = timezone.now().isoformat()
    told = {"phase": "embed", "done": 34_000, "total": 100_000, "per_s": 91.7, "at": at}
    text = build.described(told, running=True)
    assert text == "embedding 34,000 of 100,000, 12 min left"
    assert build.described({**told, "done": 0, "per_s": 10}, running=True).endswith("2.8 h left")
    assert build.described({**told, "phase": "index fused"}, running=True).startswith(
        "indexing fused, 34 %"
    )
    assert build.described({**told, "per_s": 0}, running=True) == "embedding 34,000 of 100,000"
    assert build.described({}, running=True) == ""


def test_time_left_runs_down_between_two_notes():
    at = (timezone.now() - timedelta(seconds=50)).isoformat()
    left_s = build.seconds_left({"done": 0, "total": 1000, "per_s": 10.0, "at": at})
    assert left_s == pytest.approx(50, abs=10)


def test_progress_is_in_the_database_while_it_runs(catalogue, monkeypatch):
    monkeypatch.setattr(build, "NOTE_EVERY_S", 0)
    seen = []

    def look(phase, done, total):
        rows = EncoderVersion.objects.filter(status="building").values_list("progress", flat=True)
        seen.extend((row["phase"], row["done"], row["total"]) for row in rows if "phase" in row)

    lifecycle.build_version(look, sample=1)
    assert ("embed", 5, 12) in seen
    assert {phase for phase, _done, _total in seen} >= {"embed", "compare"}


def test_an_error_that_stops_a_build_is_kept(catalogue, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("no memory left on the GPU")

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "embed_into", broken)
        with pytest.raises(RuntimeError):
            lifecycle.build_version(sample=1)
    version = EncoderVersion.objects.get(status="building")
    assert version.progress["error"] == "RuntimeError: no memory left on the GPU"
    assert lifecycle.build_version(sample=1).progress["error"] == ""


def test_a_worker_builds_in_steps_and_asks_for_the_next(catalogue, wakeups, monkeypatch):  # noqa: F811
    monkeypatch.setattr(tasks, "BUDGET_S", 0)
    asked_at = time.time()
    tasks.build_version(asked_at)
    assert EncoderVersion.objects.get().status == "building"
    assert wakeups == [build.GO_ON_TASK]
    while EncoderVersion.objects.get().status == "building":
        tasks.go_on_building()
    waiting = wakeups.copy()
    tasks.go_on_building()
    tasks.build_version(asked_at)
    assert EncoderVersion.objects.count() == 1, "asked twice, and told to go on once too often"
    assert wakeups == waiting
    tasks.build_version(time.time())
    assert EncoderVersion.objects.count() == 2


def test_beat_goes_on_with_a_worker_s_build_only(catalogue, wakeups, monkeypatch):  # noqa: F811
    tasks.go_on_building()
    assert not EncoderVersion.objects.exists()
    lifecycle.build_version(sample=1, budget_s=0)
    tasks.go_on_building()
    assert EncoderVersion.objects.get().status == "building", "somebody stopped the command"
    EncoderVersion.objects.update(progress={"by": "worker"})  # and nothing else: as if anew
    tasks.go_on_building()
    assert EncoderVersion.objects.get().status == "ready"


def test_beat_leaves_a_build_of_other_settings_to_workers_that_have_them(catalogue, settings):
    """In a rolling deployment an old worker would drop it and begin one of the old settings."""
    lifecycle.build_version(sample=1, budget_s=0, by="worker")
    settings.SIMILARITY = similarity_settings(weights={"text": 0.5, "attributes": 0.5})
    tasks.go_on_building()
    assert EncoderVersion.objects.get().status == "building"


@pytest.mark.django_db(transaction=True)
def test_whether_a_build_runs_is_read_off_its_lock(catalogue):
    assert not build.is_building()
    with advisory_lock(build.LOCK, "default"):
        assert build.is_building()
        assert not is_held("another", "default")
    assert not build.is_building()


def test_a_build_that_runs_elsewhere_ends_the_task_quietly(catalogue, monkeypatch, caplog):
    def taken(*args, **kwargs):
        raise LockTaken("somebody is at it")

    monkeypatch.setattr(lifecycle, "build_version", taken)
    tasks.build_version(time.time())
    assert caplog.text == ""


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_a_build_asked_of_a_real_worker(make_product, settings, tmp_path):
    settings.SIMILARITY = similarity_settings()
    for number in range(10):
        make_product(name=f"Product number {number}")
    lifecycle.ensure_live_version()  # or the worker makes it, which answers the request
    with worker(tmp_path) as process:
        assert wakeup.wake(build.TASK, args=[time.time()])
        ready = EncoderVersion.objects.filter(status="ready")
        wait_for(ready.exists, 90, process)
    version = ready.get()
    assert version.progress["by"] == "worker"
    assert stored(version) == 10
