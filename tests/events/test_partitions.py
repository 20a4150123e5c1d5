"""A partition for each month: made ahead without stopping writers, dropped whole when it is old."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection

from similarity.events import partitions
from similarity.events.models import Event, Kind
from tests.databases import current_address

OLD = datetime(2021, 12, 15, tzinfo=UTC)


def test_months_follow_each_other_over_a_new_year():
    found = list(partitions.months(OLD, datetime(2022, 2, 1, tzinfo=UTC)))
    assert [partitions.name_of(month) for month in found] == [
        "similarity_event_2021_12",
        "similarity_event_2022_01",
        "similarity_event_2022_02",
    ]


def test_the_month_is_that_of_utc():
    late = datetime.fromisoformat("2022-01-01T01:30:00+02:00")
    assert partitions.month_of(late) == datetime(2021, 12, 1, tzinfo=UTC)


@pytest.mark.django_db
def test_created_once_with_the_indexes_of_the_table():
    assert partitions.create(OLD, OLD, "default") == ["similarity_event_2021_12"]
    assert partitions.create(OLD, OLD, "default") == []
    Event.objects.create(at=OLD, kind=Kind.SEARCH, query="lamp")
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM similarity_event")
        assert cursor.fetchall() == [("similarity_event_2021_12",)]
        cursor.execute(
            "SELECT count(*) FROM pg_index JOIN pg_inherits ON inhrelid = indexrelid "
            "WHERE indrelid = 'similarity_event_2021_12'::regclass"
        )
        assert cursor.fetchone() == (3,)  # each belongs to an index of the whole table


@pytest.mark.django_db
def test_only_whole_months_are_dropped():
    partitions.create(OLD, OLD + timedelta(days=50), "default")
    assert partitions.drop(datetime(2022, 1, 31, 23, tzinfo=UTC), "default") == [
        "similarity_event_2021_12"
    ]
    assert datetime(2022, 1, 1, tzinfo=UTC) in partitions.existing("default")


@pytest.mark.django_db(transaction=True)
def test_a_partition_in_use_is_left_for_the_next_night(monkeypatch, caplog):
    monkeypatch.setattr(partitions, "DROP_WAIT_MS", 50)
    partitions.create(OLD, OLD, "default")
    try:
        with psycopg.connect(current_address()) as other:
            other.execute("SELECT count(*) FROM similarity_event")  # holds its locks until commit
            assert partitions.drop(OLD + timedelta(days=50), "default") == []
            assert "is dropped later" in caplog.text
    finally:
        assert partitions.drop(OLD + timedelta(days=50), "default") == ["similarity_event_2021_12"]


@pytest.mark.django_db(transaction=True)
def test_creating_waits_for_no_reader_and_no_writer():
    """An open transaction that has read and written other months must not stop it."""
    try:
        with psycopg.connect(current_address()) as other:
            other.execute("SELECT count(*) FROM similarity_event")
            other.execute(
                "INSERT INTO similarity_event (at, id, kind, quantity, currency, query, token, "
                "by_server) VALUES (now(), 1, 5, 1, '', '', '', false)"
            )
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '500ms'")
            assert partitions.create(OLD, OLD, "default") == ["similarity_event_2021_12"]
            other.rollback()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
        partitions.drop(OLD + timedelta(days=50), "default")
