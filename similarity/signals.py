"""The host's changes, written to the outbox in the host's own transaction.

Django sends no signal for ``bulk_create``, ``bulk_update``, ``QuerySet.update`` and raw
SQL. After those the host calls :func:`similarity.outbox.draining.enqueue`, or lets the
database see them: with ``SIMILARITY["CAPTURE"] = "triggers"`` (``similarity.capture``)
receivers write no rows and only wake a worker.

A save outside any transaction is committed before ``post_save`` is sent. So ``pre_save`` also
marks the product, without waiting for the disk: the save's own commit makes that mark durable,
and a process killed between the two loses no change. ``post_save`` marks it again, because a
worker may have been faster than the save. That mark does not wait for the disk either, so a save
waits once and not twice. ``similarity.outbox.reconcile`` finds changes without a signal, and
products created by a process that is killed at that moment.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import FileField, Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save

from similarity import conf, receivers
from similarity.capture import mode
from similarity.catalog.adapter import get_adapter
from similarity.catalog.paths import Path
from similarity.catalog.relations import (
    concrete,
    links_of,
    own_keys,
    relatives,
    row_key,
)
from similarity.connections import wakeup
from similarity.exceptions import SimilarityError
from similarity.models import PendingProduct
from similarity.receivers import receive

logger = logging.getLogger(__name__)

#: Attribute of an instance during its save: the products it belonged to before.
_LEFT = "_similarity_left"

#: Attribute with the row's previous values, of the columns that are read.
_BEFORE = "_similarity_before"

#: Attribute that is set if the product was marked before its save.
_AHEAD = "_similarity_ahead"


def connect() -> None:
    """Connect the receivers to the tables the catalogue is read from."""
    try:
        product = conf.product_model()
        adapter = get_adapter()
        related, joins = adapter.related_models(), links_of(adapter)
    except SimilarityError as error:  # similarity.checks reports it with a hint
        logger.error("Changes of products are not followed: %s", error)
        return
    for model in relatives(product):
        receive(pre_save, product_saving, model)
        receive(post_save, row_saved, model)
        receive(pre_delete, row_deleting, model)
        if concrete(model) is concrete(product):
            receive(post_delete, product_deleted, model)
    for each, lookups in related.items():
        moves = any(Path(lookup).leads_to_owned(product) for lookup in lookups)
        for model in relatives(each):
            receive(post_save, row_saved, model)
            receive(pre_delete, row_deleting, model)
            if moves:
                receive(pre_save, row_moving, model)
    for through in {link.through for link in joins}:
        receive(m2m_changed, many_to_many_changed, through)
        if not through._meta.auto_created:
            receive(pre_save, row_moving, through)
            receive(post_save, row_saved, through)
            receive(pre_delete, row_deleting, through)


def product_saving(
    sender: type[Model], instance: Model, using: str, raw: bool = False, **kwargs: Any
) -> None:
    instance.__dict__.pop(_AHEAD, None)
    product = conf.product_model()
    found = row_key(instance, product)
    if raw or instance._state.adding or receivers.are_off() or not _committed_alone(using):
        return
    if found is None or found[0] != concrete(product)._meta.pk.name:
        return  # the row of a parent: finding its product takes a query
    if not _reads(instance, kwargs.get("update_fields")):
        return

    def mark() -> None:
        PendingProduct.objects.enqueue([found[1]], durable=False)
        instance.__dict__[_AHEAD] = True

    _guarded(using, mark, instance, if_locked=lambda: None)  # the mark after the save waits


def row_moving(
    sender: type[Model], instance: Model, using: str, raw: bool = False, **kwargs: Any
) -> None:
    """Note the row's products before its save, because a photo may move to another product."""

    own = row_key(instance, conf.product_model())

    def remember() -> None:
        stored = type(instance)._base_manager.using(using).filter(pk=instance.pk).first()
        if stored is not None:
            instance.__dict__[_BEFORE] = _values(stored) if own is None else None
            instance.__dict__[_LEFT] = list(_products_of(stored, using))

    instance.__dict__.pop(_BEFORE, None)
    if raw or instance._state.adding or receivers.are_off() or mode.at_work():
        return
    if _reads(instance, kwargs.get("update_fields")):
        _guarded(using, remember, instance)


def row_saved(
    sender: type[Model], instance: Model, using: str, raw: bool = False, **kwargs: Any
) -> None:
    ahead = instance.__dict__.pop(_AHEAD, False)
    left, before = instance.__dict__.pop(_LEFT, ()), instance.__dict__.pop(_BEFORE, None)
    if raw or not _reads(instance, kwargs.get("update_fields")):
        return
    if before is not None and before == _values(instance):
        return  # the columns that are read have not changed
    durable = not (ahead and _committed_alone(using))
    _enqueue(using, lambda: [*left, *_products_of(instance, using)], instance, durable=durable)


def row_deleting(sender: type[Model], instance: Model, using: str, **kwargs: Any) -> None:
    """Enqueue before the delete, because afterwards the row's products cannot be found."""
    gone = concrete(type(instance)) is concrete(conf.product_model())

    def keys() -> list[Any]:
        return [key for key in _products_of(instance, using) if not gone or key != instance.pk]

    _enqueue(using, keys, instance)


def product_deleted(sender: type[Model], instance: Model, using: str, **kwargs: Any) -> None:
    """Delete the product's outbox row; the database's cascade deletes its vectors."""
    if receivers.are_off() or mode.at_work():
        return
    key = str(instance.pk)
    _guarded(using, partial(PendingProduct.objects.filter(product_key=key).delete), instance)


def many_to_many_changed(
    sender: type[Model],
    instance: Model,
    action: str,
    reverse: bool,
    model: type[Model],
    pk_set: set[Any] | None,
    using: str,
    **kwargs: Any,
) -> None:
    """Enqueue the products of either side; a clear from the other side names no rows."""
    # Django sends an empty set if every added row was there already.
    if action not in ("post_add", "post_remove", "pre_clear", "post_clear") or pk_set == set():
        return
    product = conf.product_model()

    def keys() -> Iterator[Any]:
        for link in links_of(get_adapter(), sender):
            yield from link.keys_of_change(product, instance, action, model, pk_set, using)

    _enqueue(using, keys, instance)


def _committed_alone(using: str) -> bool:
    """Return True if statements on ``using`` are committed separately, in the outbox's
    database, and only receivers mark products."""
    here = using == PendingProduct.objects.write_alias and transaction.get_autocommit(using)
    return here and not mode.at_work()


def _products_of(instance: Model, using: str) -> Iterator[Any]:
    """Yield primary keys of products that the row is, is part of, or is read for."""
    adapter = get_adapter()
    yield from own_keys(adapter.model, instance, using)
    yield from adapter.dependents(instance)
    for link in links_of(adapter, concrete(type(instance))):
        yield from link.keys_of(adapter.model, instance, using)


def _reads(instance: Model, update_fields: Collection[str] | None) -> bool:
    """Return True if a save writes a field that is read; without a list it writes all fields."""
    columns = _columns_read(instance)
    if update_fields is None or columns is None:
        return columns != set()
    fields: list[Any] = [instance._meta.get_field(name) for name in update_fields]
    return any(field.column in columns for field in fields)


def _columns_read(instance: Model) -> set[str] | None:
    """Return the row's columns that are read, with keys to other rows; None for all columns."""
    adapter, model = get_adapter(), concrete(type(instance))
    if any(links_of(adapter, model)):
        return None
    columns: set[str] = set()
    for table in [model, *map(concrete, model._meta.get_parent_list())]:
        read = adapter.columns_read(table)
        if read is None:
            return None
        columns |= set(read)
    if columns and row_key(instance, adapter.model) is None:
        # Keys to other rows show which product reads this row.
        fields: list[Any] = list(model._meta.concrete_fields)
        columns |= {field.column for field in fields if field.is_relation}
    return columns


def _values(instance: Model) -> tuple[Any, ...] | None:
    """Return the row's values that are read; None if they cannot be compared, for example a
    file that may be rewritten under its name."""
    columns = _columns_read(instance)
    if columns is None:
        return None
    fields = [f for f in instance._meta.concrete_fields if f.column in columns]
    if any(isinstance(field, FileField) for field in fields):
        return None
    return tuple(getattr(instance, field.attname) for field in fields)


def _enqueue(
    using: str, keys: Callable[[], Iterable[Any]], instance: Model, *, durable: bool = True
) -> None:
    """Write outbox rows in the transaction on ``using`` and wake a worker after it.

    A product saved in a database without the outbox is enqueued after its commit. So is a
    product whose row another transaction holds: two transactions that change the photos of the
    same products in different order would deadlock, and PostgreSQL would end either.
    """
    if receivers.are_off():
        return
    outbox = PendingProduct.objects.write_alias
    if mode.at_work():  # triggers have written the rows, in the statement that changed the product
        wakeup.on_commit(outbox)
        return
    changed: list[Any] = []

    def find() -> None:
        changed.extend(keys())

    def write() -> None:
        if not changed:
            find()
        if PendingProduct.objects.enqueue(changed, durable=durable):
            wakeup.on_commit(outbox)

    def write_later() -> None:
        transaction.on_commit(partial(_guarded, outbox, write, instance), using=using, robust=True)

    if using == outbox:
        _guarded(outbox, write, instance, if_locked=write_later)
    else:
        _guarded(using, find, instance)
        write_later()


def _guarded(
    alias: str,
    write: Callable[[], Any],
    instance: Model,
    if_locked: Callable[[], Any] | None = None,
) -> None:
    receivers.guarded(alias, write, instance, "embed it by 'manage.py similarity embed'", if_locked)
