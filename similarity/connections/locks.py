"""Locks that hold between processes on any machines: PostgreSQL's advisory locks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections, transaction

from similarity.exceptions import VersionError


class LockTaken(VersionError):
    """Another process holds the lock."""


@contextmanager
def advisory_lock(name: str, alias: str, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the named lock; it ends with the database session, so no crash leaves it behind.

    It belongs to a session: a pooler that switches sessions between transactions
    (pgbouncer's transaction mode) does not carry it, so workers connect directly.
    Raises :class:`LockTaken` after ``wait_s``.
    """
    until = time.monotonic() + wait_s
    while not _ask(alias, "pg_try_advisory_lock", name):
        if time.monotonic() >= until:
            raise LockTaken(
                f"Another process holds the lock {name!r}: a worker's first start or a "
                "build_version is running. Let it finish, or stop it, and try again."
            )
        time.sleep(0.2)
    connection = connections[alias]
    savepoint = transaction.savepoint(using=alias) if connection.in_atomic_block else None
    try:
        yield
    finally:
        if savepoint and not connection.is_usable():
            # After an error nothing can be asked in a transaction, not even to give up the
            # lock, which the session would hold for as long as it lives.
            transaction.savepoint_rollback(savepoint, using=alias)
        if connection.is_usable():
            _ask(alias, "pg_advisory_unlock", name)


def _ask(alias: str, function: str, name: str) -> bool:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone()[0])
