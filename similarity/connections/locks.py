"""Locks between processes on any machines, by PostgreSQL's advisory locks."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from similarity.exceptions import VersionError

#: First half of the keys that owners lock; "SIML" as a whole number.
OWNERS = 0x53494D4C


class LockTaken(VersionError):
    """Another process holds the lock."""


@contextmanager
def advisory_lock(name: str, alias: str, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the named lock; it ends with the database session, so no crash leaves it behind.

    It belongs to a session. A pooler that switches sessions between transactions (pgbouncer's
    transaction mode) does not carry it, so workers connect directly. Raises :class:`LockTaken`
    after ``wait_s``.
    """
    until = time.monotonic() + wait_s
    while not _ask(alias, "pg_try_advisory_lock", name):
        if time.monotonic() >= until:
            raise LockTaken(
                f"Another process holds the lock {name!r}: a worker's first start or "
                "'manage.py similarity build' is running. Let it finish, or stop it, and try again."
            )
        time.sleep(0.2)
    with _given_up(alias, "SELECT pg_advisory_unlock(hashtextextended(%s, 0))", name):
        yield


def taken_for_transaction(name: str, alias: str) -> bool:
    """Take the named lock until the transaction ends; return False if another session holds it.

    Unlike a session's lock, it also works behind a pooler.
    """
    return _ask(alias, "pg_try_advisory_xact_lock", name)


def is_held(name: str, alias: str) -> bool:
    """Return True if any session holds the named lock now."""
    with connections[alias].cursor() as cursor:
        # A key of 64 bits is listed as two halves (pg_locks, objsubid 1).
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 "
            "AND granted AND database = (SELECT oid FROM pg_database "
            "WHERE datname = current_database()) "
            "AND (classid::bigint << 32) | objid::bigint = hashtextextended(%s, 0))",
            [name],
        )
        return bool(cursor.fetchone()[0])


@contextmanager
def owner(alias: str) -> Iterator[int | None]:
    """Yield a number for this session that signs leases for as long as the session lives.

    PostgreSQL frees the lock behind it when the process is killed, its connection is cut or the
    server restarts. :func:`living_owners` of any other session sees that at once. Yields None
    behind a pooler (pgbouncer), because a pooled session may outlive this process or end before it.
    Such leases end only by their time.
    """
    if _is_pooled(alias):
        yield None
        return
    number = secrets.randbelow(2**31 - 1) + 1  # never used twice, unlike process ids
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [OWNERS, number])
    with _given_up(alias, f"SELECT pg_advisory_unlock({OWNERS}, %s)", number):
        yield number


def living_owners(alias: str) -> set[int]:
    """Return the numbers of :func:`owner` whose sessions live now."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 "
            "AND classid = %s AND granted AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())",
            [OWNERS],
        )
        return {number for (number,) in cursor.fetchall()}


def _is_pooled(alias: str) -> bool:
    """Return True if a pooler stands between: the server's process differs from the greeting's."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return bool(cursor.fetchone()[0] != cursor.connection.info.backend_pid)


@contextmanager
def _given_up(alias: str, unlock: str, key: int | str) -> Iterator[None]:
    """Run ``unlock`` at the end of the block, whatever state it leaves the connection in."""
    connection = connections[alias]
    savepoint = connection.savepoint() if connection.in_atomic_block else None
    try:
        yield
    finally:
        if savepoint and not connection.is_usable():
            # After an error a transaction runs no statement, not even one that gives up the lock.
            # Without the rollback the session would hold the lock for as long as it lives.
            connection.savepoint_rollback(savepoint)
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute(unlock, [key])


def _ask(alias: str, function: str, name: str) -> bool:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone()[0])
