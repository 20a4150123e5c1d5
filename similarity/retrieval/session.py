"""Planner settings for one query, put back afterwards."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction


@contextmanager
def local_settings(using: str, settings: Mapping[str, str]) -> Iterator[Any]:
    """A cursor whose queries run under ``settings``.

    They are local to a transaction. Where the host has one open already, its own values are
    put back at the end, for ``SET LOCAL`` would otherwise last until the host commits. An
    error rolls back to a savepoint, which restores them too and leaves the host's
    transaction usable.
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


@contextmanager
def savepoint(using: str) -> Iterator[None]:
    """An error of ours must not spoil the transaction that a page of the host's runs in."""
    if connections[using].in_atomic_block:
        with transaction.atomic(using=using):
            yield
    else:
        yield
