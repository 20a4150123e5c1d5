"""Lock counting, so that one process counts at a time and the counts are always complete."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.db import OperationalError, connections, transaction

from similarity.exceptions import CountError
from similarity.orders.models import CountedItem, CountRun, PendingOrder, ProductPartners

#: The task that counts changed orders, and the task that counts every order.
TASK = "similarity.count_orders"
FULL_TASK = "similarity.count_all_orders"


class CountBusy(CountError):
    """Raised when another process is counting."""


def alias() -> str:
    """Return the alias of the database that holds the counts."""
    return str(PendingOrder.objects.write_alias)


def last_run() -> CountRun | None:
    """Return the facts about the last count, or None before the first full count."""
    return CountRun.objects.using(alias()).first()


class Figures(NamedTuple):
    """The number of counted items, and of items with partners that pages show."""

    items: int
    with_partners: int


def figures() -> Figures:
    """Return the current figures of the tables."""
    using = alias()
    return Figures(
        items=CountedItem.objects.using(using).count(),
        with_partners=ProductPartners.objects.using(using).count(),
    )


@contextmanager
def counting(wait_s: float) -> Iterator[CountRun | None]:
    """Open a transaction in which no other process counts, and yield the last run.

    The lock ends with the transaction, on commit or rollback. Raises :class:`CountBusy` if the lock
    is not free within ``wait_s``.
    """
    using = alias()
    with transaction.atomic(using=using):
        _take_lock(using, wait_s)
        yield CountRun.objects.using(using).first()


def _take_lock(using: str, wait_s: float) -> None:
    try:
        with connections[using].cursor() as cursor:
            cursor.execute(_LOCK, [f"{int(wait_s * 1000)}ms"])
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != "55P03":  # lock_not_available
            raise
        raise CountBusy(
            f"Another process has been counting orders for more than {wait_s:g} s; "
            "let it finish and try again."
        ) from error


#: Each step reads the previous step, so they run in order within one statement. The limits of the
#: database role suit pages, but a full count takes minutes, some of them without a query.
_LOCK = """
    WITH patience AS MATERIALIZED (SELECT set_config('lock_timeout', %s, true)),
    taken AS MATERIALIZED (
        SELECT pg_advisory_xact_lock(hashtextextended('similarity.count', 0)) FROM patience
    )
    SELECT set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true),
           set_config('idle_in_transaction_session_timeout', '0', true)
    FROM taken
"""
