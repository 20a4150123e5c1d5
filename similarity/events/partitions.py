"""Partitions of the events, one for each month in UTC: created ahead, dropped when they are old."""

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from django.db import OperationalError, connections, router, transaction
from psycopg.sql import SQL, Identifier, Literal

from similarity.events.models import Event

logger = logging.getLogger(__name__)

TABLE = "similarity_event"
#: Months after the present one that already have a partition, in case beat is down.
AHEAD = 3
#: Longest wait for the lock that dropping a partition needs, because writers wait behind it.
DROP_WAIT_MS = 1_000

_PARTITIONS = """
    SELECT child.relname, greatest(child.reltuples, 0)::bigint
    FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = to_regclass(%s)
"""
# A partition is made apart and then attached: unlike CREATE TABLE … PARTITION OF, this stops
# neither readers nor writers of the other months.
_CREATE = "CREATE TABLE {name} (LIKE {table} INCLUDING ALL)"
_ATTACH = "ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})"


def alias() -> str:
    """Return the database of the events."""
    return router.db_for_write(Event)


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


def existing(alias: str) -> dict[datetime, int]:
    """Return the months that have a partition, in order, with an estimate of their rows."""
    with connections[alias].cursor() as cursor:
        cursor.execute(_PARTITIONS, [TABLE])
        rows = dict(cursor.fetchall())
    found = {}
    for name in sorted(rows):
        if match := re.fullmatch(rf"{TABLE}_(\d{{4}})_(\d\d)", name):
            found[datetime(int(match[1]), int(match[2]), 1, tzinfo=UTC)] = rows[name]
    return found


def is_migrated(alias: str) -> bool:
    """Return True if the table of events exists."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [TABLE])
        return bool(cursor.fetchone()[0])


def missing(first: datetime, last: datetime, alias: str) -> list[datetime]:
    """Return the months from that of ``first`` to that of ``last`` that have no partition."""
    known = existing(alias)
    return [month for month in months(first, last) if month not in known]


def create(first: datetime, last: datetime, alias: str) -> list[str]:
    """Create the partitions that are missing from the month of ``first`` to that of ``last``.

    Returns their names. Simultaneous calls wait for each other.
    """
    if not missing(first, last, alias):
        return []
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [TABLE])
        lacking = missing(first, last, alias)
        for month in lacking:
            parts = {
                "name": Identifier(name_of(month)),
                "table": Identifier(TABLE),
                "first": Literal(month.isoformat()),
                "end": Literal(next_month(month).isoformat()),
            }
            cursor.execute(SQL(_CREATE).format(**parts))
            cursor.execute(SQL(_ATTACH).format(**parts))
    return [name_of(month) for month in lacking]


def drop(before: datetime, alias: str) -> list[str]:
    """Drop the partitions that end at ``before`` or earlier, and return their names.

    A partition that a long query reads is left for the next call.
    """
    dropped = []
    for month in existing(alias):
        if next_month(month) > before:
            break
        try:
            with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {DROP_WAIT_MS}")
                cursor.execute(SQL("DROP TABLE {}").format(Identifier(name_of(month))))
                cursor.execute("SET LOCAL lock_timeout TO DEFAULT")  # of an outer transaction
        except OperationalError as error:
            logger.warning("%s is in use and is dropped later: %s", name_of(month), error)
            break
        dropped.append(name_of(month))
    return dropped


def ahead(now: datetime) -> datetime:
    """Return a moment in the last month that should have a partition."""
    month = month_of(now)
    for _each in range(AHEAD):
        month = next_month(month)
    return month
