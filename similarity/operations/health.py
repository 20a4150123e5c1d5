"""Checks that similar products can be served. Plain functions, without torch."""

from collections.abc import Callable
from typing import NamedTuple

from django.db import Error, connections

from similarity import conf
from similarity.connections import wakeup
from similarity.models import EncoderVersion
from similarity.outbox import draining
from similarity.vectors import fusions, heartbeats, indexes, upsert


class HealthCheck(NamedTuple):
    """The result of a check; ``detail`` is the finding and, if not ok, the remedy."""

    ok: bool
    detail: str


def checks() -> dict[str, HealthCheck]:
    """Return name → result of every check, in the order in which checks need each other."""
    results = {"database": guarded(_database)}
    needs_database: dict[str, Callable[[], HealthCheck]] = {
        "pgvector": _pgvector,
        "version": _version,
        "index": _index,
        "outbox": _outbox,
    }
    for name, check in needs_database.items():
        down = HealthCheck(False, "not checked, the database does not answer")
        results[name] = guarded(check) if results["database"].ok else down
    return {**results, "broker": guarded(_broker), "worker": guarded(_worker)}


def guarded(check: Callable[[], HealthCheck]) -> HealthCheck:
    """Return the check's result; an exception counts as a failed check."""
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - any error means "not healthy"
        return HealthCheck(False, f"{type(error).__name__}: {error}".strip())


def _database() -> HealthCheck:
    try:
        with connections[upsert.alias()].cursor() as cursor:
            cursor.execute("SHOW server_version")
            return HealthCheck(True, f"PostgreSQL {cursor.fetchone()[0]}")
    except Error as error:
        return HealthCheck(False, f"the database does not answer: {error}".strip())


def _pgvector() -> HealthCheck:
    with connections[upsert.alias()].cursor() as cursor:
        cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
        row = cursor.fetchone()
    if row is None:
        return HealthCheck(False, "the extension vector is missing; run 'manage.py migrate'")
    return HealthCheck(True, f"pgvector {row[0]}")


def _version() -> HealthCheck:
    live = _live()
    if live is None:
        return HealthCheck(
            False, "no live version; start a worker and run 'manage.py similarity embed'"
        )
    return HealthCheck(True, f"version {live.pk} is live")


def _index() -> HealthCheck:
    live = _live()
    if live is None:
        return HealthCheck(False, "no live version, so no index")
    states = indexes.states(live)
    missing = [f"{column} {state}" for column, state in states.items() if state != indexes.VALID]
    if missing:
        remedy = f"'manage.py similarity promote {live.pk}' builds it"
        return HealthCheck(False, f"index {', '.join(missing)} in version {live.pk}; {remedy}")
    return HealthCheck(True, f"valid on {', '.join(states)}")


def _outbox() -> HealthCheck:
    lag_s, limit_s = draining.lag_s(), conf.get("MONITORING", "MAX_LAG_S")
    detail = f"the longest waiting product is due for {lag_s:.0f} s, the limit is {limit_s} s"
    return HealthCheck(lag_s <= limit_s, detail)


def _broker() -> HealthCheck:
    with wakeup.connection() as connection:
        connection.ensure_connection(max_retries=0, timeout=wakeup.CONNECT_TIMEOUT_S)
    return HealthCheck(True, wakeup.broker())


def _worker() -> HealthCheck:
    seen = heartbeats.seen()
    if seen:
        return HealthCheck(True, f"{len(seen)} seen lately: {', '.join(sorted(seen))}")
    return HealthCheck(
        False,
        f"no worker seen for {heartbeats.SEEN_S:.0f} s; start 'celery -A <project> worker "
        f"-Q {conf.get('WORKERS', 'QUEUE')}', with a cache that it shares with the web processes "
        f"(CACHES[{conf.get('CACHE', 'ALIAS')!r}])",
    )


def _live() -> EncoderVersion | None:
    return fusions.every_version().live()
