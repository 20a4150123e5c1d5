"""Enqueue changes of the host's orders in the outbox, in the host's own transaction.

Django sends no signal for ``bulk_create``, ``bulk_update``, ``QuerySet.update`` and raw SQL; after
them, the host calls :func:`similarity.orders.enqueue_orders`. ``bulk_create`` of lines together
with their order's own ``save`` needs no such call, because a worker reads the order after the
commit.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save

from similarity.catalog.paths import Path
from similarity.catalog.relations import (
    concrete,
    ends,
    links_of,
    own_keys,
    relatives,
    row_key,
)
from similarity.connections import wakeup
from similarity.exceptions import SimilarityError
from similarity.orders.adapter import OrderAdapter, get_order_adapter
from similarity.orders.counting import runs
from similarity.orders.models import PendingOrder
from similarity.receivers import are_off, guarded, receive

logger = logging.getLogger(__name__)

#: Attribute of a saved instance that holds the orders it belonged to before the save.
_LEFT = "_similarity_left_orders"


def connect() -> None:
    """Connect the receivers to the models that orders are read from."""
    try:
        adapter = get_order_adapter()
        if adapter is None:
            return
        related, customers = adapter.related_models(), adapter.customer_models()
    except SimilarityError as error:  # similarity.checks reports it with a hint
        logger.error("Changes of orders are not recorded: %s", error)
        return
    for model in relatives(adapter.model):
        receive(post_save, order_saved, model)
        if issubclass(concrete(model), concrete(adapter.model)):
            receive(post_delete, order_deleted, model)
    for model, lookups in _every(related).items():
        receive(post_save, part_saved, model)
        receive(pre_delete, part_deleted, model)
        if any(Path(lookup).leads_to_owned(adapter.model) for lookup in lookups):
            receive(pre_save, part_moving, model)
    for model in _every(customers):
        receive(pre_delete, part_deleted, model)
    for join in {link.through for link in links_of(adapter)}:
        receive(m2m_changed, products_changed, join)
        if not join._meta.auto_created:
            receive(pre_save, part_moving, join)
            receive(post_save, part_saved, join)
            receive(pre_delete, part_deleted, join)


def order_saved(
    sender: type[Model], instance: Model, using: str, raw: bool = False, **kwargs: Any
) -> None:
    if not raw:
        _enqueue(using, lambda adapter: own_keys(adapter.model, instance, using), instance)


def order_deleted(sender: type[Model], instance: Model, using: str, **kwargs: Any) -> None:
    """Enqueue a deleted order, so that a worker subtracts its counts."""
    found = row_key(instance, _adapter().model)
    _enqueue(using, lambda _adapter: [found[1]] if found else [], instance)


def part_moving(
    sender: type[Model], instance: Model, using: str, raw: bool = False, **kwargs: Any
) -> None:
    """Remember the orders of a row before its save, which may move it to another order."""

    def remember() -> None:
        stored = type(instance)._base_manager.using(using).filter(pk=instance.pk).first()
        if stored is not None:
            instance.__dict__[_LEFT] = list(_orders_of(_adapter(), stored, using))

    if not raw and not instance._state.adding and not are_off():
        guarded(using, remember, instance, _REMEDY)


def part_saved(
    sender: type[Model], instance: Model, using: str, raw: bool = False, **kwargs: Any
) -> None:
    left = instance.__dict__.pop(_LEFT, ())
    if not raw:
        _enqueue(using, lambda adapter: [*left, *_orders_of(adapter, instance, using)], instance)


def part_deleted(sender: type[Model], instance: Model, using: str, **kwargs: Any) -> None:
    """Enqueue the orders of a row before its delete; afterwards they cannot be found."""
    _enqueue(using, lambda adapter: list(_orders_of(adapter, instance, using)), instance)


def products_changed(
    sender: type[Model],
    instance: Model,
    action: str,
    model: type[Model],
    pk_set: set[Any] | None,
    using: str,
    **kwargs: Any,
) -> None:
    """Enqueue the orders of a many-to-many change.

    Either side may be the order. A clear from the product's side does not name the orders.
    """

    if action not in ("post_add", "post_remove", "pre_clear", "post_clear"):
        return

    def keys(adapter: OrderAdapter) -> Iterator[Any]:
        for link in links_of(adapter, sender) or ends(adapter.model, sender, []):
            yield from link.keys_of_change(adapter.model, instance, action, model, pk_set, using)

    _enqueue(using, keys, instance)


def _orders_of(adapter: OrderAdapter, instance: Model, using: str) -> Iterator[Any]:
    """Yield primary keys of orders that are read from the row."""
    yield from adapter.dependents(instance)
    for link in links_of(adapter, concrete(type(instance))):
        yield from link.keys_of(adapter.model, instance, using)


def _enqueue(using: str, keys: Callable[[OrderAdapter], Iterable[Any]], instance: Model) -> None:
    """Write outbox rows in the transaction on ``using`` and wake a worker after it.

    If the order is in another database than the outbox, enqueue it after its commit.
    """
    if are_off():
        return
    outbox = runs.alias()
    changed: list[Any] = []

    def find() -> None:
        changed.extend(keys(_adapter()))

    def write() -> None:
        if PendingOrder.objects.enqueue(changed):
            wakeup.on_commit(outbox, runs.TASK)

    def find_and_write() -> None:
        find()
        write()

    if using == outbox:
        guarded(outbox, find_and_write, instance, _REMEDY)
        return
    guarded(using, find, instance, _REMEDY)
    write_later = partial(guarded, outbox, write, instance, _REMEDY)
    transaction.on_commit(write_later, using=using, robust=True)


_REMEDY = (
    "the next full count includes it; 'manage.py similarity count-orders --full' counts at once"
)


def _adapter() -> OrderAdapter:
    adapter = get_order_adapter()
    if adapter is None:
        raise LookupError("SIMILARITY['ORDERS']['SOURCE'] was set to None after the start")
    return adapter


def _every(related: Any) -> dict[type[Model], list[str]]:
    """Return models with their relatives → lookups from order to them."""
    return {model: list(lookups) for each, lookups in related.items() for model in relatives(each)}
