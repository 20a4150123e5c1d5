"""Reconcile: a comparison of the catalogue with its stored rows, page by page.

``bulk_create``, ``update()``, raw SQL and imports send no signals, and a process may be
killed between a save and its signal. A round walks the catalogue in key order, puts stale and
missing products into the outbox, and deletes stored rows of products that are gone.
It runs no model, and an interrupted round is resumed.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.connections.locks import LockTaken, advisory_lock
from similarity.models import PendingProduct, ReconcileRound
from similarity.outbox import comparison, draining
from similarity.types import Progress
from similarity.vectors import upsert

PAGE = 250  # products compared at once
SLICE_S = 10.0  # longest time beat's task works; an embedding waits for one page at most
POLL_S = 1.0  # seconds between two looks at a long outbox
ROUNDS_KEPT = 30
RATE = 500  # most products compared a second
EVERY_H = 24  # hours from the end of one round to the next
BACKLOG = 5000  # a round waits while more products are due

LOCK = "similarity.reconcile"
_COUNTS = ("checked", "stale", "missing", "orphaned", "enqueued", "deleted")


@dataclass(frozen=True)
class ReconcileReport:
    """Findings and repairs of a round so far, in products.

    Products already in the outbox are neither ``stale`` nor ``missing``. ``orphaned`` and
    ``deleted`` also count outbox rows of products that are gone.
    """

    checked: int
    stale: int
    missing: int
    orphaned: int
    enqueued: int
    deleted: int
    finished: bool
    started_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: ReconcileRound) -> "ReconcileReport":
        counts = {name: getattr(row, name) for name in _COUNTS}
        finished = row.finished_at is not None
        return cls(
            **counts, finished=finished, started_at=row.started_at, updated_at=row.updated_at
        )


def reconcile(
    *,
    rate: float | None = None,
    budget_s: float | None = None,
    repair: bool = True,
    restart: bool = False,
    wait: bool = True,
    progress: Progress | None = None,
) -> ReconcileReport:
    """Resume the unfinished round, or begin a new round; return its report so far.

    ``rate`` limits products a second, and ``budget_s`` the time. With ``wait`` it lets workers
    catch up while more than ``BACKLOG`` products are due. ``restart`` begins again. Without
    ``repair`` it runs a separate round that only counts. Raises :class:`LockTaken` while another
    process reconciles.
    """
    until = None if budget_s is None else time.monotonic() + budget_s
    with _alone():
        row = _begin(restart) if repair else ReconcileRound()
        pace, total = _Pace(rate), _total() if progress else 0
        for checked in _pages(row, repair):
            if progress:
                progress("reconcile", row.checked, max(row.checked, total))
            pace.keep(checked)
            if repair and wait and not _let_workers_catch_up(until):
                break
            if until is not None and time.monotonic() >= until:
                break
        return ReconcileReport.of(row)


def run_slice() -> ReconcileReport | None:
    """Run a short slice of a round for beat; return its report, None if no round is due.

    It stops after a page as soon as a product waits to be embedded.
    """
    if not _is_due():
        return None
    until = time.monotonic() + SLICE_S
    try:
        with _alone():
            row = _begin(restart=False)
            pace = _Pace(RATE)
            for checked in _pages(row, repair=True):
                pace.keep(checked)
                if draining.has_due() or time.monotonic() >= until:
                    break
            return ReconcileReport.of(row)
    except LockTaken:  # a command reconciles
        return None


def last() -> dict[str, Any]:
    """Return ``finished``, the last whole round, and ``running``, the unfinished round, as plain
    values for status reports; None for a missing round."""
    rounds = ReconcileRound.objects.using(upsert.alias())
    finished = rounds.filter(finished_at__isnull=False).first()
    running = rounds.filter(finished_at=None).first()
    return {"finished": _plain(finished), "running": _plain(running)}


def _plain(row: ReconcileRound | None) -> dict[str, Any] | None:
    if row is None:
        return None
    counts = {name: getattr(row, name) for name in _COUNTS}
    times = {"started_at": row.started_at.isoformat(), "updated_at": row.updated_at.isoformat()}
    return {**counts, **times}


def _is_due() -> bool:
    newest = ReconcileRound.objects.using(upsert.alias()).first()
    if newest is None or newest.finished_at is None:
        return True
    return timezone.now() - newest.finished_at >= timedelta(hours=EVERY_H)


@contextmanager
def _alone() -> Iterator[None]:
    with ExitStack() as held:
        try:
            held.enter_context(advisory_lock(LOCK, upsert.alias()))
        except LockTaken as error:
            raise LockTaken(
                "Another process reconciles, a worker or a command; let it finish, and try again."
            ) from error
        yield


def _begin(restart: bool) -> ReconcileRound:
    rounds = ReconcileRound.objects.using(upsert.alias())
    if restart:
        rounds.filter(finished_at=None).delete()
    unfinished = rounds.filter(finished_at=None).first()
    return unfinished or rounds.create()


def _pages(row: ReconcileRound, repair: bool) -> Iterator[int]:
    """Process page after page to the end of the round; yield the number of products of each."""
    adapter = get_adapter()
    key = adapter.model._meta.pk
    after = key.to_python(row.after_key) if row.after_key else None
    while True:
        keys = adapter.iter_pks(after, PAGE)
        found = comparison.compare(adapter, keys, after, last=len(keys) < PAGE)
        with transaction.atomic(using=upsert.alias()):
            _note(row, len(keys), found)
            if repair:
                _repair(row, adapter, found)
            if len(keys) < PAGE:
                _finish(row, repair)
            elif repair:
                row.after_key = str(keys[-1])
            if repair:
                row.save()
        yield len(keys)
        if len(keys) < PAGE:
            return
        after = keys[-1]


def _note(row: ReconcileRound, checked: int, found: comparison.Findings) -> None:
    row.updated_at = timezone.now()
    row.checked += checked
    row.stale += len(found.stale)
    row.missing += len(found.missing)
    row.orphaned += len(found.orphaned)


def _repair(row: ReconcileRound, adapter: CatalogAdapter, found: comparison.Findings) -> None:
    row.enqueued += draining.enqueue([*found.stale, *found.missing])
    row.deleted += comparison.delete_orphans(adapter, found.orphaned)


def _finish(row: ReconcileRound, repair: bool) -> None:
    vanished = comparison.vanished_from_outbox()
    row.orphaned += len(vanished)
    row.finished_at = timezone.now()
    if not repair:
        return
    row.deleted += comparison.delete_from_outbox(vanished)
    rounds = ReconcileRound.objects.using(upsert.alias())
    kept = rounds.values_list("pk", flat=True)[:ROUNDS_KEPT]
    rounds.exclude(pk__in=[row.pk, *kept]).delete()


def _let_workers_catch_up(until: float | None) -> bool:
    """Wait while the outbox is long; return True if it is short again, False if time ran out."""
    while _backlog_is_long():
        if until is not None and time.monotonic() + POLL_S >= until:
            return False
        time.sleep(POLL_S)
    return True


def _backlog_is_long() -> bool:
    most = BACKLOG
    due = PendingProduct.objects.using(upsert.alias()).due()
    return due[: most + 1].count() > most


def _total() -> int:
    return int(conf.product_model()._base_manager.using(upsert.alias()).count())


class _Pace:
    """A brake that sleeps so that at most ``rate`` products a second are done."""

    def __init__(self, rate: float | None) -> None:
        self.rate, self.began, self.done = rate, time.monotonic(), 0

    def keep(self, done: int) -> None:
        self.done += done
        if self.rate:
            time.sleep(max(0.0, self.began + self.done / self.rate - time.monotonic()))
