"""Enqueueing and draining of changed products, for saves, commands and workers."""

import logging
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from django.db.models import Model, QuerySet

from similarity import conf
from similarity.connections import metrics, wakeup
from similarity.connections.locks import LockTaken, owner
from similarity.exceptions import SimilarityError
from similarity.extension import extensions
from similarity.models import PendingProduct, SpilledChange
from similarity.models.outbox import PendingProductQuerySet
from similarity.vectors import encoding, heartbeats, pipeline
from similarity.versions import floors, lifecycle

logger = logging.getLogger(__name__)

#: Rows that one statement of :func:`enqueue` writes.
ENQUEUE_ROWS = 5000

#: Seconds before the next claim if the host has locked every claimed product: they are due again
#: at once, and would be encoded over and over.
LOST_WAIT_S = 0.5


class Counts(NamedTuple):
    """Rows of the outbox by state; ``waiting`` is due, leased and backing off together."""

    waiting: int
    due: int
    leased: int
    backing_off: int
    dead: int


def enqueue(
    products: Iterable[Any] | QuerySet[Any], *, force: bool = False, wake: bool = True
) -> int:
    """Mark products as changed and wake a worker after commit; return the number of products.

    ``products`` are primary keys, instances, or a queryset of the product model. Django sends no
    signal for ``bulk_create``, ``bulk_update``, ``QuerySet.update`` and raw SQL: a host calls
    this after them, in the same transaction. ``force`` embeds products even if their encoded
    content has not changed. Raises ``ValidationError`` for a key the product model cannot have,
    and ``TypeError`` for rows of another model.
    """
    keys = _keys(products)
    count = 0
    while some := list(islice(keys, ENQUEUE_ROWS)):
        count += PendingProduct.objects.enqueue(some, force=force)
    if count and wake:
        wakeup.on_commit(PendingProduct.objects.write_alias)
    return count


def drain(budget_s: float = 20.0) -> int:
    """Embed due products until all are done or ``budget_s`` is over; return the rows taken.

    Any number of workers may drain at the same time. Raises
    :class:`similarity.exceptions.SimilarityError` if encoders or versions allow no work at all.
    No row is lost by that error, and it does not count as an attempt.
    """
    until = time.monotonic() + budget_s
    heartbeats.note()
    _free_abandoned()
    SpilledChange.objects.adopt()
    if not has_due():
        return 0
    try:
        lifecycle.ensure_live_version(wait_s=0)
    except LockTaken:  # another worker makes the first version; beat or its own drain continues
        return 0
    except SimilarityError:
        for extension in extensions():
            extension.write_waiting()  # search needs no encoder
        raise
    with owner(PendingProduct.objects.write_alias) as number:
        taken = _take(number, until)
    if taken and not has_due():
        for extension in extensions():
            extension.outbox_is_empty()
        floors.learn_if_outgrown()
    return taken


def _take(number: int | None, until: float) -> int:
    """Claim and embed until no row is due or the time is over; return the rows taken."""
    taken = 0
    while time.monotonic() < until:
        claims = _claim(number)
        if not claims:
            break
        if pipeline.embed([], claims=claims).lost == len(claims):
            time.sleep(LOST_WAIT_S)
        taken += len(claims)
        heartbeats.note()
        _free_abandoned()
    return taken


def _free_abandoned() -> None:
    if freed := PendingProduct.objects.free_abandoned():
        logger.warning("%d products were held by a worker that is dead or hangs.", freed)
        metrics.count("embed_errors_total", freed, kind="abandoned")


def _claim(number: int | None) -> list[PendingProduct]:
    """Return the next batch; rows that dead workers left behind come first, each alone.

    The networks are loaded before such a row is claimed: a process without enough memory for
    them dies without a product, so that no product is blamed.
    """
    rows = PendingProduct.objects
    if rows.suspects():
        encoding.load_networks()
        if alone := rows.claim_alone(number):
            return alone
    return rows.claim(conf.get("WORKERS", "BATCH_SIZE"), number)


def has_due() -> bool:
    """Return True if a worker would find a due row now."""
    return _rows().due().exists()


def lag_s() -> float:
    """Return for how many seconds the longest waiting row has been due; 0 without a due row."""
    return _rows().lag_s()


def counts() -> Counts:
    """Return the number of rows in each state."""
    rows = _rows()
    return Counts(
        waiting=rows.waiting().count(),
        due=rows.due().count(),
        leased=rows.leased().count(),
        backing_off=rows.backing_off().count(),
        dead=rows.dead().count(),
    )


def _rows() -> PendingProductQuerySet:
    """Return the outbox of the primary: a replica may lack the row a worker was woken for."""
    rows: PendingProductQuerySet = PendingProduct.objects.using(PendingProduct.objects.write_alias)
    return rows


def _keys(products: Iterable[Any] | QuerySet[Any]) -> Iterator[str]:
    """Yield keys as the adapter writes them: a UUID in capitals is the same product."""
    model = conf.product_model()
    if isinstance(products, QuerySet):
        _check_model(model, products.model)
        products = products.values_list("pk", flat=True).iterator(chunk_size=ENQUEUE_ROWS)
    for product in products:
        if isinstance(product, Model):
            _check_model(model, type(product))
            product = product.pk
        yield str(model._meta.pk.to_python(product))


def _check_model(expected: type[Model], given: type[Model]) -> None:
    """Accept parents, children and proxies, which share the product's key; raise TypeError else."""
    if not (issubclass(given, expected) or issubclass(expected, given)):
        raise TypeError(
            f"enqueue() received rows of {given._meta.label}; pass products "
            f"({expected._meta.label}) or their primary keys."
        )
