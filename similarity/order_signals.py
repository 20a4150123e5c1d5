"""The host's orders into the outbox, in the host's own transaction.

Django sends no signal for ``bulk_create``, ``bulk_update``, ``QuerySet.update`` and raw
SQL; after those the host calls :func:`similarity.copurchase.updating.enqueue`. Lines made
by ``bulk_create`` beside their order's own ``save`` need no such call: a worker reads the
order once everything is committed.
"""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save

from similarity.catalog.orders import OrderAdapter, get_order_adapter
from similarity.catalog.paths import Path
from similarity.connections import wakeup
from similarity.copurchase import runs
from similarity.exceptions import SimilarityError
from similarity.models import PendingOrder
from similarity.receivers import guarded, receive, with_children

logger = logging.getLogger(__name__)

#: Where an instance that is being saved keeps the orders it belonged to before.
_LEFT = "_similarity_left_orders"


def connect() -> None:
    """Connect the receivers to the models that orders are read from."""
    try:
        adapter = get_order_adapter()
        if adapter is None:
            return
        related, customers = adapter.related_models(), adapter.customer_models()
        through = adapter.many_to_many()
    except SimilarityError as error:  # similarity.checks reports it with a hint
        logger.error("Orders are not followed: %s", error)
        return
    for model in with_children(adapter.model):
        receive(post_save, order_saved, model)
        receive(post_delete, order_deleted, model)
    for model, lookups in _every(related).items():
        receive(post_save, part_saved, model)
        receive(pre_delete, part_deleted, model)
        if any(Path(lookup).leads_to_owned(adapter.model) for lookup in lookups):
            receive(pre_save, part_moving, model)
    for model in _every(customers):
        receive(pre_delete, part_deleted, model)
    for model in through:
        receive(m2m_changed, products_changed, model)
        if not model._meta.auto_created:
            receive(post_save, link_changed, model)
            receive(post_delete, link_changed, model)


def order_saved(
    sender: type[Model], instance: Model, using: str, raw: bool = False, **kwargs: Any
) -> None:
    if not raw:
        _enqueue(using, lambda _adapter: [instance.pk], instance)


def order_deleted(sender: type[Model], instance: Model, using: str, **kwargs: Any) -> None:
    """What was counted of it is taken back."""
    key = instance.pk
    _enqueue(using, lambda _adapter: [key], instance)


def part_moving(
    sender: type[Model], instance: Model, using: str, raw: bool = False, **kwargs: Any
) -> None:
    """Before the save: the line may be given to another order, and the first one loses it."""

    def remember() -> None:
        stored = type(instance)._base_manager.using(using).filter(pk=instance.pk).first()
        if stored is not None:
            instance.__dict__[_LEFT] = list(_adapter().dependents(stored))

    if not raw and not instance._state.adding:
        guarded(using, remember, instance, _REMEDY)


def part_saved(
    sender: type[Model], instance: Model, using: str, raw: bool = False, **kwargs: Any
) -> None:
    left = instance.__dict__.pop(_LEFT, ())
    if not raw:
        _enqueue(using, lambda adapter: [*left, *adapter.dependents(instance)], instance)


def part_deleted(sender: type[Model], instance: Model, using: str, **kwargs: Any) -> None:
    """Before the delete: afterwards nothing tells which orders the row belonged to."""
    _enqueue(using, lambda adapter: adapter.dependents(instance), instance)


def link_changed(
    sender: type[Model], instance: Model, using: str, raw: bool = False, **kwargs: Any
) -> None:
    """A row of a host's own through model was saved or deleted."""
    if not raw:
        _enqueue(using, lambda adapter: [getattr(instance, _link(sender, adapter))], instance)


def products_changed(
    sender: type[Model],
    instance: Model,
    action: str,
    model: type[Model],
    pk_set: set[Any] | None,
    using: str,
    **kwargs: Any,
) -> None:
    """Either side may be the order; a clear from the product's side names no orders."""

    def keys(adapter: OrderAdapter) -> Iterable[Any]:
        if isinstance(instance, adapter.model):
            return [instance.pk] if action.startswith("post_") else ()
        if action == "pre_clear":
            to_order, to_product = _link(sender, adapter), _link(sender, adapter, other=True)
            rows = sender._base_manager.using(using).filter(**{to_product: instance.pk})
            return list(rows.values_list(to_order, flat=True))
        return pk_set or () if action in ("post_add", "post_remove") else ()

    _enqueue(using, keys, instance)


def _enqueue(using: str, keys: Callable[[OrderAdapter], Iterable[Any]], instance: Model) -> None:
    """Write outbox rows in the transaction on ``using`` and wake a worker after it.

    An order saved in another database than the outbox's is enqueued after its commit.
    """
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


_REMEDY = "the next full count has it, or 'manage.py count_orders --full' at once"


def _adapter() -> OrderAdapter:
    adapter = get_order_adapter()
    if adapter is None:
        raise LookupError("SIMILARITY['ORDERS'] was set to None after the start")
    return adapter


def _link(through: type[Model], adapter: OrderAdapter, *, other: bool = False) -> str:
    """Attribute name of a through model's key to the order, or to the other end."""
    for field in through._meta.concrete_fields:
        target = field.related_model
        if isinstance(target, type) and issubclass(adapter.model, target) is not other:
            return field.attname
    raise LookupError(f"{through._meta.label} has no key to {adapter.model._meta.label}")


def _every(related: Any) -> dict[type[Model], list[str]]:
    """Models with those derived from them → lookups from order to them."""
    return {
        model: list(lookups) for each, lookups in related.items() for model in with_children(each)
    }
