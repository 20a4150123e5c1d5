"""Count events by day and kind, for staff."""

from datetime import date, datetime, time, timedelta

from django.db import OperationalError, connections, transaction
from django.db.models import Count, Sum
from django.utils import timezone

from similarity.catalog import times
from similarity.events.models import Event, EventDay

#: Days before today that are counted again each night, because events may arrive late.
LATE_DAYS = 4

#: Longest time that a page counts today's events.
PAGE_MS = 1_000

_COUNT = """
    INSERT INTO similarity_eventday (day, kind, events)
    SELECT (at AT TIME ZONE %s)::date, kind, count(*) FROM similarity_event
    WHERE at >= %s AND at < %s
    GROUP BY 1, 2
"""


def count_days(first: date, last: date, using: str) -> None:
    """Count the events of each day from ``first`` to ``last`` again."""
    zone = timezone.get_default_timezone()
    since = datetime.combine(first, time(), zone)
    until = datetime.combine(last + timedelta(days=1), time(), zone)
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('similarity.eventday', 0))")
        EventDay.objects.using(using).filter(day__range=(first, last)).delete()
        cursor.execute(_COUNT, [str(zone), since, until])


def count_recent(now: datetime, using: str) -> None:
    """Count the days until today whose events may have changed since they were counted."""
    today = times.day_of(now)
    count_days(today - timedelta(days=LATE_DAYS), today, using)


def totals_by_day(first: date, last: date, using: str) -> dict[date, int]:
    """Return the counted events of each day, of all kinds, days without events left out."""
    days = EventDay.objects.using(using).filter(day__range=(first, last))
    return dict(days.order_by("day").values_list("day").annotate(total=Sum("events")))


def read_days(first: date, last: date, using: str) -> dict[date, dict[int, int]]:
    """Return the counted events of each day by kind; days without events are left out."""
    found: dict[date, dict[int, int]] = {}
    days = EventDay.objects.using(using).filter(day__range=(first, last))
    for day, kind, events in days.values_list("day", "kind", "events"):
        found.setdefault(day, {})[kind] = events
    return found


def count_today(using: str) -> dict[int, int] | None:
    """Return today's events by kind until now; None if that takes longer than a page may."""
    zone = timezone.get_default_timezone()
    midnight = datetime.combine(times.today(), time(), zone)
    events = Event.objects.using(using).filter(at__gte=midnight).order_by()
    try:
        with transaction.atomic(using=using):
            with connections[using].cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {PAGE_MS}")
            return dict(events.values_list("kind").annotate(events=Count("id")))
    except OperationalError:
        return None
