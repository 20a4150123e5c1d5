"""Versions go in steps that stand in nobody's way."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from similarity import tasks
from similarity.exceptions import VersionError
from similarity.models import EncoderVersion, ProductVectors
from similarity.similar.shelves import similar_to
from similarity.vectors import indexes, pipeline
from similarity.versions import lifecycle

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def catalogue(make_product):
    return [make_product(name=f"Product number {number}") for number in range(9)]


@pytest.fixture
def retired(catalogue):
    lifecycle.ensure_live_version()
    version = lifecycle.build_version()
    lifecycle.retire(version)
    return version


def test_rows_go_in_small_steps(retired, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(lifecycle, "DELETE_ROWS", 2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity")
    with django_assert_num_queries(6):  # five steps of two rows at most, one that finds none
        lifecycle._delete_vectors(retired)
    assert not ProductVectors.objects.of_version(retired).exists()
    assert ProductVectors.objects.count() == 9, "those of the live version stay"


def test_reading_and_writing_go_on_while_an_index_waits_to_be_dropped(
    catalogue, retired, monkeypatch
):
    """DROP INDEX waits for every transaction that is open; nobody may queue behind it."""
    indexes.create_indexes(retired)
    monkeypatch.setattr(indexes, "DROP_WAIT_S", 0.2)
    held, release = threading.Event(), threading.Event()

    def reader():
        try:
            with transaction.atomic():
                list(ProductVectors.objects.of_version(retired)[:1])
                held.set()
                release.wait(60)
        finally:
            connections.close_all()

    def dropping():
        try:
            indexes.drop_indexes(retired)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        reading = pool.submit(reader)
        assert held.wait(30)
        dropped = pool.submit(dropping)
        time.sleep(0.5)
        began = time.monotonic()
        assert similar_to(catalogue[0], 3)
        pipeline.embed([str(catalogue[1].pk)], force=True)
        assert time.monotonic() - began < 20
        assert not dropped.done(), "or the test shows nothing"
        release.set()
        reading.result(60)
        dropped.result(60)
    assert set(indexes.states(retired).values()) == {"missing"}


def test_an_index_that_never_gets_free_is_told_with_the_remedy(catalogue, retired, monkeypatch):
    indexes.create_indexes(retired)
    monkeypatch.setattr(indexes, "DROP_WAIT_S", 0.05)
    monkeypatch.setattr(indexes, "DROP_ATTEMPTS", 2)
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {ProductVectors._meta.db_table} LIMIT 1")
        with pytest.raises(VersionError, match="pg_stat_activity"):
            lifecycle.drop(retired)
        other.rollback()
    finally:
        other.close()
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)
    lifecycle.drop(retired)
    assert not EncoderVersion.objects.filter(pk=retired.pk).exists()


def test_a_version_being_dropped_is_written_to_no_more(retired, catalogue, monkeypatch):
    ready = lifecycle.build_version()
    monkeypatch.setattr(
        indexes, "drop_indexes", lambda version: pipeline.embed([str(catalogue[0].pk)], force=True)
    )
    lifecycle.drop(ready)
    assert not EncoderVersion.objects.filter(pk=ready.pk).exists()


def test_the_live_version_is_refused_though_it_was_ready_when_it_was_read(catalogue):
    lifecycle.ensure_live_version()
    stale = lifecycle.build_version()
    lifecycle.promote(EncoderVersion.objects.get(pk=stale.pk))
    with pytest.raises(VersionError, match="is live"):
        lifecycle.drop(stale)
    assert ProductVectors.objects.of_version(stale).count() == 9


def test_beat_leaves_what_was_retired_today(catalogue):
    first = lifecycle.ensure_live_version()
    second = lifecycle.build_version()
    lifecycle.promote(second)
    third = lifecycle.build_version()
    lifecycle.promote(third)
    assert tasks.drop_retired_versions() == []
    EncoderVersion.objects.update(retired_at=timezone.now() - timedelta(days=2))
    assert tasks.drop_retired_versions() == [first.pk], "the second is there to roll back to"
    lifecycle.rollback()
    EncoderVersion.objects.update(retired_at=timezone.now() - timedelta(days=2))
    assert tasks.drop_retired_versions() == []
    assert EncoderVersion.objects.filter(pk=third.pk).exists(), "what was rolled back from"
