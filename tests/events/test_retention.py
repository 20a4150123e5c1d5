"""The nightly upkeep: months ahead, old months dropped whole, expired keys, counts by day."""

import uuid
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from similarity.events import counting, partitions, retention, tasks
from similarity.events.models import Event, EventBatch, EventDay, Kind
from tests.configure import with_settings
from tests.databases import current_address
from tests.events.shoppers import anonymous, happen

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def half_a_year(settings):
    settings.SIMILARITY = with_settings(EVENTS={"RETENTION_DAYS": 180})


def test_months_ahead_are_created_once():
    with connection.cursor() as cursor:
        for month in partitions.existing("default"):
            cursor.execute(f"DROP TABLE {partitions.name_of(month)}")
    assert retention.tidy(NOW).created == [
        f"similarity_event_2026_{month:02}" for month in (3, 4, 5, 6)
    ]
    assert retention.tidy(NOW).created == []


def test_a_month_is_dropped_once_all_of_it_is_too_old(make_product):
    """180 days before 15 March is 16 September: that month stays, August goes."""
    partitions.create(NOW - timedelta(days=240), NOW, "default")
    ann, shirt = anonymous(), make_product()
    for at in (datetime(2025, 8, 31, 23, 59, tzinfo=UTC), datetime(2025, 9, 1, tzinfo=UTC)):
        happen(ann, shirt, at=at)
    done = retention.tidy(NOW)
    assert done.dropped == ["similarity_event_2025_07", "similarity_event_2025_08"]
    assert [event.at.month for event in Event.objects.all()] == [9]
    assert retention.tidy(NOW).dropped == []


def test_dropping_deletes_no_rows(make_product):
    """Deleted rows would wait for a vacuum, and reading them would slow the night."""
    partitions.create(NOW - timedelta(days=240), NOW, "default")
    happen(anonymous(), make_product(), at=NOW - timedelta(days=230))
    with CaptureQueriesContext(connection) as captured:
        retention.tidy(NOW)
    statements = [query["sql"] for query in captured.captured_queries]
    assert any(one.startswith('DROP TABLE "similarity_event_2025_07"') for one in statements)
    assert not any('DELETE FROM "similarity_event"' in one for one in statements)


def test_expired_keys_of_batches_are_deleted_in_steps(monkeypatch):
    monkeypatch.setattr(retention, "STEP", 2)
    for hours in (-50, -40, -30, -1, 1):
        EventBatch.objects.create(key=uuid.uuid4(), expires_at=NOW + timedelta(hours=hours))
    assert retention.tidy(NOW).batch_keys == 4
    assert EventBatch.objects.get().expires_at > NOW


def test_recent_days_are_counted_again_and_older_ones_kept(make_product, settings):
    settings.TIME_ZONE = "Asia/Tokyo"  # the site's day begins at 15:00 UTC
    partitions.create(NOW - timedelta(days=100), NOW, "default")
    EventDay.objects.create(day=date(2026, 3, 14), kind=Kind.VIEW, events=99)
    EventDay.objects.create(day=date(2026, 1, 14), kind=Kind.VIEW, events=7)
    EventDay.objects.create(day=date(2025, 1, 14), kind=Kind.VIEW, events=7)  # beyond retention
    ann, shirt = anonymous(), make_product()
    happen(ann, shirt, at=datetime(2026, 3, 14, 14, 59, tzinfo=UTC))
    happen(ann, shirt, at=datetime(2026, 3, 14, 15, 1, tzinfo=UTC))
    happen(ann, shirt, Kind.CLICK, at=datetime(2026, 3, 14, 15, 2, tzinfo=UTC))
    retention.tidy(NOW)
    counted = set(EventDay.objects.values_list("day", "kind", "events"))
    assert counted == {
        (date(2026, 1, 14), Kind.VIEW, 7),
        (date(2026, 3, 14), Kind.VIEW, 1),
        (date(2026, 3, 15), Kind.VIEW, 1),
        (date(2026, 3, 15), Kind.CLICK, 1),
    }
    assert counting.totals_by_day(date(2026, 3, 1), date(2026, 3, 31), "default") == {
        date(2026, 3, 14): 1,
        date(2026, 3, 15): 2,
    }


def test_beat_and_the_command_do_it(make_product, capsys):
    partitions.create(timezone.now() - timedelta(days=240), timezone.now(), "default")
    tasks.keep_partitions()
    assert min(partitions.existing("default")) > timezone.now() - timedelta(days=215)
    call_command("similarity", "tidy-events")
    assert "0 partitions of events created and 0 dropped" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_a_page_never_waits_for_a_long_count(monkeypatch):
    monkeypatch.setattr(counting, "PAGE_MS", 50)
    assert counting.count_today("default") == {}
    with psycopg.connect(current_address()) as other:
        other.execute("LOCK TABLE similarity_event IN ACCESS EXCLUSIVE MODE")
        assert counting.count_today("default") is None
