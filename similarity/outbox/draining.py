"""Changed products in, embedded products out: what saves, commands and workers call."""

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

#: Rows one statement of :func:`enqueue` writes.
ENQUEUE_ROWS = 5000

#: Wait before the next claim where the host has every claimed product locked, in seconds: they
#: are due again at once, and would be encoded over and over.
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
    """Mark products as changed and wake a worker after commit; returns how many.

    ``products`` are primary keys, instances, or a queryset of the product model. Django
    sends no signal for ``bulk_create``, ``bulk_update``, ``QuerySet.update`` and raw SQL:
    a host calls this after them, in the same transaction. ``force`` embeds products
    even where nothing the encoders read has changed. Raises ``ValidationError`` for a
    key the product model cannot have, and ``TypeError`` for rows of another model.
    """
    keys = _keys(products)
    count = 0
    while some := list(islice(keys, ENQUEUE_ROWS)):
        count += PendingProduct.objects.enqueue(some, force=force)
    if count and wake:
        wakeup.on_commit(PendingProduct.objects.write_alias)
    return count


def drain(budget_s: float = 20.0) -> int:
    """Embed due products until none is left or ``budget_s`` is over; returns how many rows
    were taken.

    Any number of workers drain side by side. Raises
    :class:`similarity.exceptions.SimilarityError` where encoders or versions allow no
    work at all; no row is lost by it, nor does it count as an attempt.
    """
    until = time.monotonic() + budget_s
    heartbeats.note()
    _free_abandoned()
    SpilledChange.objects.adopt()
    if not has_due():
        return 0
    try:
        lifecycle.ensure_live_version(wait_s=0)
    except LockTaken:  # another worker is at the first start; beat or its own drain goes on
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
    """Claim and embed until nothing is due or the time is over; returns how many rows."""
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
        logger.warning("%d products were in the hands of a worker that is dead or hangs.", freed)
        metrics.count("embed_errors_total", freed, kind="abandoned")


def _claim(number: int | None) -> list[PendingProduct]:
    """The next batch: first, one by one, what dead workers left behind.

    The networks are loaded before: a process that has no memory for them dies of itself,
    and no product that it holds may be blamed.
    """
    rows = PendingProduct.objects
    if rows.suspects():
        encoding.load_networks()
        if alone := rows.claim_alone(number):
            return alone
    return rows.claim(conf.get("WORKERS", "BATCH_SIZE"), number)


def has_due() -> bool:
    """Whether a worker would find something to do now."""
    return _rows().due().exists()


def lag_s() -> float:
    """Seconds for which the longest waiting row has been due; 0 where none is."""
    return _rows().lag_s()


def counts() -> Counts:
    """How many rows are in each state."""
    rows = _rows()
    return Counts(
        waiting=rows.waiting().count(),
        due=rows.due().count(),
        leased=rows.leased().count(),
        backing_off=rows.backing_off().count(),
        dead=rows.dead().count(),
    )


def _rows() -> PendingProductQuerySet:
    """The outbox as it is written: a read replica may not have the row a worker was woken for."""
    rows: PendingProductQuerySet = PendingProduct.objects.using(PendingProduct.objects.write_alias)
    return rows


def _keys(products: Iterable[Any] | QuerySet[Any]) -> Iterator[str]:
    """Keys as the adapter writes them: a UUID in capitals is the same product."""
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
    """Parents, children and proxies have the product's key; other models have keys of their own."""
    if not (issubclass(given, expected) or issubclass(expected, given)):
        raise TypeError(
            f"enqueue() was given rows of {given._meta.label}; pass products "
            f"({expected._meta.label}) or their primary keys."
        )
