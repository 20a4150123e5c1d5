"""Report the state of events: how many, how far back, and whether the nightly upkeep runs."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from similarity.catalog import times
from similarity.connections.metrics_export import Gauge
from similarity.events import partitions
from similarity.events.counting import totals_by_day
from similarity.events.models import Profile
from similarity.events.retention import kept_since
from similarity.operations import backlog

#: Days that a report lists.
DAYS = 7
#: Remedy for everything that the nightly upkeep does.
REMEDY = (
    "start celery beat with similarity.beat_schedule, or run 'manage.py similarity tidy-events' "
    "each night."
)


def report() -> dict[str, Any]:
    """Return the plain report of events for ``similarity status``."""
    now, using = times.now(), partitions.alias()
    months = partitions.existing(using)
    until = times.day_of(now)
    by_day = totals_by_day(until - timedelta(days=DAYS), until, using)
    return {
        "rows": sum(months.values()),
        "profiles": backlog.about(Profile.objects.using(using)),
        "by_day": {day.isoformat(): events for day, events in by_day.items()},
        "oldest_partition": f"{min(months):%Y-%m}" if months else None,
        "newest_partition": f"{max(months):%Y-%m}" if months else None,
        "hints": _hints(now, months),
    }


def lines(events: Mapping[str, Any]) -> list[str]:
    """Return the lines that ``similarity status`` prints for the report."""
    days = ", ".join(f"{day[5:]}: {count}" for day, count in events["by_day"].items())
    return [
        f"Events     about {events['rows']} in the months {events['oldest_partition']} to "
        f"{events['newest_partition']}, {events['profiles']} shoppers with consent",
        f"  by day   {days or 'not counted yet'}",
        *(f"Do         {hint}" for hint in events["hints"]),
    ]


def gauges() -> Iterator[Gauge]:
    """Yield figures for Prometheus."""
    using, now = partitions.alias(), times.now()
    months = partitions.existing(using)
    yield Gauge(
        "events",
        "Events of shoppers that are kept; estimated.",
        [({}, float(sum(months.values())))],
    )
    ahead = sum(month > now for month in months)
    yield Gauge(
        "event_partitions_ahead",
        f"Months to come that have a partition of events; {partitions.AHEAD} after each night.",
        [({}, float(ahead))],
    )
    yield Gauge(
        "profiles",
        f"Shoppers with consent; estimated above {backlog.EXACT}.",
        [({}, float(backlog.about(Profile.objects.using(using))))],
    )


def _hints(now: datetime, months: Mapping[datetime, int]) -> list[str]:
    hints = []
    if lacking := [
        month for month in partitions.months(now, partitions.ahead(now)) if month not in months
    ]:
        named = ", ".join(f"{month:%Y-%m}" for month in lacking)
        hints.append(f"There is no partition for events of {named}: {REMEDY}")
    old = [month for month in months if partitions.next_month(month) <= kept_since(now)]
    if old:
        hints.append(
            f"Events of {old[0]:%Y-%m} are beyond EVENTS['RETENTION_DAYS'] and still kept: {REMEDY}"
        )
    return hints
