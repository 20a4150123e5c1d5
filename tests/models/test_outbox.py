"""Claims, generations and leases of the outbox, against the database."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from similarity.connections.locks import owner
from similarity.models import PendingProduct, leases, retries
from similarity.models.retries import backoff_s

pytestmark = pytest.mark.django_db


def claim(limit=10):
    return PendingProduct.objects.claim(limit)


def kill_owner(*keys):
    """The worker that holds these is killed: no session lives that has its number."""
    PendingProduct.objects.filter(product_key__in=keys).update(lease_owner=1)


def test_a_product_has_one_row_whatever_its_changes():
    for _ in range(3):
        PendingProduct.objects.enqueue(["7", "7"])
    assert PendingProduct.objects.get().generation == 3


def test_a_product_changed_all_the_time_keeps_its_place():
    PendingProduct.objects.enqueue(["1"])
    PendingProduct.objects.enqueue(["2"])
    PendingProduct.objects.enqueue(["1"])
    assert [row.product_key for row in claim(1)] == ["1"]


def test_a_row_is_due_when_it_is_written_and_not_while_it_is_leased():
    PendingProduct.objects.enqueue(["7"])
    assert [row.product_key for row in claim()] == ["7"]
    assert claim() == [], "claimed twice"
    assert PendingProduct.objects.leased().count() == 1


def test_the_longest_waiting_come_first_and_no_more_than_asked():
    for key in "cab":
        PendingProduct.objects.enqueue([key])
    assert [row.product_key for row in claim(2)] == ["c", "a"]


def test_acknowledging_removes_what_was_read():
    PendingProduct.objects.enqueue(["7"])
    assert PendingProduct.objects.acknowledge(claim()) == 1
    assert not PendingProduct.objects.exists()


def test_a_change_made_meanwhile_stays_pending_and_due():
    PendingProduct.objects.enqueue(["7"])
    claims = claim()
    PendingProduct.objects.enqueue(["7"])
    assert PendingProduct.objects.acknowledge(claims) == 0
    assert [row.generation for row in claim()] == [2]


def test_a_worker_that_lost_its_lease_holds_and_removes_nothing():
    PendingProduct.objects.enqueue(["7"])
    late = claim()
    kill_owner("7")
    PendingProduct.objects.free_abandoned()
    assert PendingProduct.objects.claim_alone()[0].product_key == "7"
    with transaction.atomic():
        assert PendingProduct.objects.hold(late) == set()
        assert PendingProduct.objects.acknowledge(late) == 0
    PendingProduct.objects.fail(late, "late")
    row = PendingProduct.objects.get()
    assert (row.last_error, row.lease_until is None) == ("", False)


def test_abandoned_rows_are_taken_one_by_one():
    """One of them may have killed its worker; the others must not die beside it."""
    PendingProduct.objects.enqueue(["1", "2", "3"])
    claim()
    kill_owner("1", "2", "3")
    assert PendingProduct.objects.free_abandoned() == 3
    assert claim() == []
    assert len(PendingProduct.objects.claim_alone()) == 1


def test_a_product_that_kills_every_worker_is_given_up(monkeypatch):
    monkeypatch.setattr(leases, "MAX_KILLS", 2)
    PendingProduct.objects.enqueue(["7"])
    claim()
    kill_owner("7")
    PendingProduct.objects.free_abandoned()
    PendingProduct.objects.claim_alone()
    kill_owner("7")
    PendingProduct.objects.free_abandoned()
    assert PendingProduct.objects.claim_alone() == []
    row = PendingProduct.objects.get()
    assert row.dead
    assert "workers were killed" in row.last_error


def test_a_product_given_up_for_its_kills_is_tried_alone_after_a_change_and_once():
    """Each save would cost three workers otherwise, and the products beside it their attempt."""
    PendingProduct.objects.enqueue(["7"])
    PendingProduct.objects.update(dead=True, kills=3)
    PendingProduct.objects.enqueue(["7"])
    assert claim() == []
    assert PendingProduct.objects.claim_alone()
    kill_owner("7")
    PendingProduct.objects.free_abandoned()
    assert PendingProduct.objects.get().dead


def test_kills_and_errors_are_counted_apart(monkeypatch):
    monkeypatch.setattr(retries, "MAX_ATTEMPTS", 2)
    PendingProduct.objects.enqueue(["7"])
    for _ in range(2):
        claim() or PendingProduct.objects.claim_alone()
        kill_owner("7")
        PendingProduct.objects.free_abandoned()
    PendingProduct.objects.fail(PendingProduct.objects.claim_alone(), "broken")
    row = PendingProduct.objects.get()
    assert (row.kills, row.attempts, row.dead) == (2, 1, False)


def test_a_restart_of_the_database_is_no_kill():
    """It ends every worker's session at once; no product may be blamed for it."""
    PendingProduct.objects.enqueue(["7"])
    claim()
    PendingProduct.objects.update(lease_owner=1, lease_until=Now() - timedelta(days=999))
    assert PendingProduct.objects.free_abandoned() == 1
    assert [row.kills for row in claim()] == [0]


def test_a_lease_lasts_while_its_owner_lives_or_no_owner_is_known():
    PendingProduct.objects.enqueue(["1", "2"])
    with owner("default") as number:
        PendingProduct.objects.claim(1, number)
        claim(1)
        assert PendingProduct.objects.free_abandoned() == 0
        assert PendingProduct.objects.leased().count() == 2
    assert PendingProduct.objects.free_abandoned() == 1


def test_a_failure_waits_longer_each_time_and_ends_dead(monkeypatch):
    monkeypatch.setattr(retries, "MAX_ATTEMPTS", 3)
    PendingProduct.objects.enqueue(["7"])
    for attempt in (1, 2, 3):
        PendingProduct.objects.update(available_at=F("created_at"))
        PendingProduct.objects.fail(claim(), f"broken {attempt}")
        assert PendingProduct.objects.get().dead == (attempt == 3)
    row = PendingProduct.objects.get()
    assert row.last_error == "broken 3"
    assert claim() == []


def test_revived_rows_start_anew():
    PendingProduct.objects.enqueue(["7"])
    PendingProduct.objects.update(dead=True, attempts=8)
    assert PendingProduct.objects.revive() == 1
    assert claim()[0].attempts == 1


def test_a_change_revives_a_dead_row_and_forgets_its_error():
    PendingProduct.objects.enqueue(["7"])
    PendingProduct.objects.update(dead=True, attempts=8, last_error="broken")
    PendingProduct.objects.enqueue(["7"])
    row = PendingProduct.objects.get()
    assert (row.dead, row.attempts, row.last_error) == (False, 0, "")


def test_a_failed_row_that_changed_is_due_at_once():
    PendingProduct.objects.enqueue(["7"])
    claims = claim()
    PendingProduct.objects.enqueue(["7"])
    PendingProduct.objects.fail(claims, "old content")
    row = PendingProduct.objects.get()
    assert row.last_error == ""
    assert claim()


def test_released_rows_do_not_count_the_attempt():
    PendingProduct.objects.enqueue(["7"])
    PendingProduct.objects.release(claim())
    row = PendingProduct.objects.get()
    assert (row.attempts, row.lease_until) == (0, None)
    claims = claim()
    PendingProduct.objects.enqueue(["7"])
    PendingProduct.objects.release(claims, error="encoders are missing")
    assert claim(), "a change is due at once"


def test_backoff_doubles_and_is_bounded(monkeypatch):
    monkeypatch.setattr(retries, "BACKOFF_MAX_S", 100)
    assert 7.5 <= backoff_s(1) <= 12.5
    assert 15 <= backoff_s(2) <= 25
    assert backoff_s(10_000) <= 125


def test_force_lasts_until_it_is_done():
    PendingProduct.objects.enqueue(["7"], force=True)
    PendingProduct.objects.enqueue(["7"])
    assert claim()[0].force


def test_a_claim_uses_the_index():
    PendingProduct.objects.enqueue(map(str, range(3000)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE similarity_pendingproduct")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM similarity_pendingproduct WHERE NOT dead AND "
            "available_at <= now() AND lease_until IS NULL ORDER BY available_at LIMIT 64"
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "similarity_pending_due" in plan


@pytest.mark.django_db(transaction=True)
def test_workers_share_the_rows_without_waiting():
    PendingProduct.objects.enqueue(map(str, range(100)))
    claimed: list[list[str]] = []
    all_have_claimed = threading.Barrier(4, timeout=30)  # breaks where one waits for another

    def work():
        try:
            with transaction.atomic():  # the rows stay locked while the others claim
                claimed.append([row.product_key for row in PendingProduct.objects.claim(25)])
                all_have_claimed.wait()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for worker in [pool.submit(work) for _ in range(4)]:
            worker.result()
    keys = [key for each in claimed for key in each]
    assert len(keys) == len(set(keys)) == 100


@pytest.mark.django_db(transaction=True)
def test_a_worker_never_waits_for_a_transaction_of_the_host():
    """Waiting for one row while holding another can deadlock with the host's save."""
    PendingProduct.objects.enqueue(["1", "2"])
    claims = claim()
    locked, done = threading.Event(), threading.Event()

    def host():
        try:
            with transaction.atomic():
                PendingProduct.objects.enqueue(["1"])
                locked.set()
                done.wait(60)
        finally:
            connection.close()

    thread = threading.Thread(target=host)
    thread.start()
    assert locked.wait(30)
    try:
        with transaction.atomic():
            assert PendingProduct.objects.hold(claims) == {"2"}
        began = time.monotonic()
        PendingProduct.objects.release([row for row in claims if row.product_key == "1"])
        assert time.monotonic() - began < 30
    finally:
        done.set()
        thread.join()
    assert PendingProduct.objects.get(product_key="1").generation == 2
