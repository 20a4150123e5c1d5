"""Partitions of the events, one for each month in UTC: created ahead, dropped when they are old."""

from collections.abc import Iterator
from datetime import UTC, datetime

from django.db import connections
from psycopg.sql import SQL, Identifier, Literal

TABLE = "similarity_event"
#: Months after the present one that already have a partition, in case beat is down.
AHEAD = 3


def month_of(at: datetime) -> datetime:
    """Return the first moment of the month of ``at``, in UTC."""
    return datetime(at.astimezone(UTC).year, at.astimezone(UTC).month, 1, tzinfo=UTC)


def next_month(month: datetime) -> datetime:
    """Return the first moment of the following month."""
    years, months = divmod(month.month, 12)
    return month.replace(year=month.year + years, month=months + 1)


def months(first: datetime, last: datetime) -> Iterator[datetime]:
    """Yield each month from that of ``first`` to that of ``last``."""
    month = month_of(first)
    while month <= last:
        yield month
        month = next_month(month)


def name_of(month: datetime) -> str:
    """Return the name of a month's partition, ``similarity_event_2026_12``."""
    return f"{TABLE}_{month:%Y_%m}"


def create(first: datetime, last: datetime, alias: str) -> None:
    """Create the partitions that are missing from the month of ``first`` to that of ``last``."""
    with connections[alias].cursor() as cursor:
        for month in months(first, last):
            cursor.execute(
                SQL(
                    "CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})"
                ).format(
                    Identifier(name_of(month)),
                    Identifier(TABLE),
                    Literal(month.isoformat()),
                    Literal(next_month(month).isoformat()),
                )
            )


def ahead(now: datetime) -> datetime:
    """Return a moment in the last month that should have a partition."""
    month = month_of(now)
    for _each in range(AHEAD):
        month = next_month(month)
    return month
