"""Planner settings for one query, restored afterwards."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction


@contextmanager
def local_settings(using: str, settings: Mapping[str, str]) -> Iterator[Any]:
    """Yield a cursor whose queries run under ``settings``.

    They are local to a transaction. Inside a transaction of the host, the host's own values are
    restored at the end, because ``SET LOCAL`` would otherwise last until the host commits. An
    error rolls back to a savepoint, which also restores them and leaves the host's transaction
    usable.
    """
    connection = connections[using]
    inside_hosts = connection.in_atomic_block
    names = list(settings)
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute(
            # Evaluated left to right: the old value is read before the new one is set.
            "SELECT current_setting(name, true), set_config(name, value, true) "
            "FROM unnest(%s::text[], %s::text[]) AS wanted(name, value)",
            [names, list(settings.values())],
        )
        before = [row[0] for row in cursor.fetchall()]
        yield cursor
        if inside_hosts:
            # A setting of an extension that was not loaded yet had no value: null resets it.
            cursor.execute(
                "SELECT set_config(name, value, true) "
                "FROM unnest(%s::text[], %s::text[]) AS former(name, value)",
                [names, before],
            )
            cursor.fetchall()


def fetch_under(
    using: str, settings: Mapping[str, str], sql: str, params: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Return the rows of one query that runs under ``settings``.

    Outside a transaction settings and query are one message, which PostgreSQL runs as a separate
    transaction: one round trip instead of four.
    """
    connection = connections[using]
    binds_on_server = connection.settings_dict["OPTIONS"].get("server_side_binding", False)
    by_itself = connection.get_autocommit() and not connection.in_atomic_block
    if settings and (binds_on_server or not by_itself):
        with local_settings(using, settings) as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall()
    local = "".join(f"SET LOCAL {name} = {value}; " for name, value in settings.items())
    with connection.cursor() as cursor:
        cursor.execute(f"{local}{sql}", params)
        while cursor.nextset():  # each setting has a result, before the query's
            pass
        return cursor.fetchall()


@contextmanager
def savepoint(using: str) -> Iterator[None]:
    """Wrap a query in a savepoint, so that an error cannot spoil the transaction of a page."""
    if connections[using].in_atomic_block:
        with transaction.atomic(using=using):
            yield
    else:
        yield
