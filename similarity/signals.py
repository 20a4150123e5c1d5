"""The host's changes into the outbox, in the host's own transaction.

Django sends no signal for ``bulk_create``, ``bulk_update``, ``QuerySet.update`` and raw
SQL; after those the host calls :func:`similarity.indexing.outbox.enqueue`, or has the
database see them: with ``SIMILARITY["CAPTURE"] = "triggers"`` (``similarity.capture``)
receivers write nothing and only wake a worker.

A save outside any transaction is committed before ``post_save`` is sent. So the product is
marked before it too, without waiting for the disk: the save's own commit makes that last,
and a process killed between the two loses nothing. The mark after it, which a worker that was
faster than the save needs, does not wait either, so that a save costs one wait and not two.
What nobody told, and a product created by a process that is killed then, is found by
``similarity.indexing.reconcile``.
"""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save

from similarity import conf, receivers
from similarity.capture import mode
from similarity.catalog.adapter import get_adapter
from similarity.catalog.paths import Path
from similarity.connections import wakeup
from similarity.exceptions import SimilarityError
from similarity.models import PendingProduct
from similarity.receivers import receive, with_children

logger = logging.getLogger(__name__)

#: Where an instance that is being saved keeps the products it belonged to before.
_LEFT = "_similarity_left"

#: Where an instance says that it was marked before its save.
_AHEAD = "_similarity_ahead"


def connect() -> None:
    """Connect the receivers to the models the catalogue is read from."""
    try:
        product = conf.product_model()
        adapter = get_adapter()
        related, through = adapter.related_models(), adapter.many_to_many()
    except SimilarityError as error:  # similarity.checks reports it with a hint
        logger.error("Changes of products are not followed: %s", error)
        return
    for model in with_children(product):
        receive(pre_save, product_saving, model)
        receive(post_save, product_saved, model)
        receive(post_delete, product_deleted, model)
    for each, lookups in related.items():
        for model in with_children(each):
            if issubclass(model, product):
                continue
            receive(post_save, related_saved, model)
            receive(pre_delete, related_deleted, model)
            if any(Path(lookup).leads_to_owned(product) for lookup in lookups):
                receive(pre_save, related_moving, model)
    for model in through:
        receive(m2m_changed, many_to_many_changed, model)
        if not model._meta.auto_created:
            receive(post_save, through_changed, model)
            receive(post_delete, through_changed, model)


def product_saving(
    sender: type[Model], instance: Model, using: str, raw: bool = False, **kwargs: Any
) -> None:
    instance.__dict__.pop(_AHEAD, None)
    if raw or instance._state.adding or not _committed_alone(using):
        return

    def mark() -> None:
        PendingProduct.objects.enqueue([instance.pk], durable=False)
        instance.__dict__[_AHEAD] = True

    _guarded(using, mark, instance, if_locked=lambda: None)  # the mark after the save waits


def product_saved(
    sender: type[Model], instance: Model, using: str, raw: bool = False, **kwargs: Any
) -> None:
    ahead = instance.__dict__.pop(_AHEAD, False)
    if not raw:
        durable = not (ahead and _committed_alone(using))
        _enqueue(using, lambda: [instance.pk], instance, durable=durable)


def _committed_alone(using: str) -> bool:
    """Whether statements on ``using`` are committed one by one, in the outbox's database, and
    nothing but receivers marks products."""
    here = using == PendingProduct.objects.write_alias and transaction.get_autocommit(using)
    return here and not mode.at_work()


def product_deleted(sender: type[Model], instance: Model, using: str, **kwargs: Any) -> None:
    """The vectors go by the database's own cascade."""
    if mode.at_work():
        return
    key = str(instance.pk)
    _guarded(using, partial(PendingProduct.objects.filter(product_key=key).delete), instance)


def related_moving(
    sender: type[Model], instance: Model, using: str, raw: bool = False, **kwargs: Any
) -> None:
    """Before the save: the photo may be given to another product, and the first one loses it."""

    def remember() -> None:
        instance.__dict__[_LEFT] = list(get_adapter().dependents(instance))

    if not raw and not instance._state.adding and not mode.at_work():
        _guarded(using, remember, instance)


def related_saved(
    sender: type[Model], instance: Model, using: str, raw: bool = False, **kwargs: Any
) -> None:
    left = instance.__dict__.pop(_LEFT, ())
    if not raw:
        _enqueue(using, lambda: [*left, *get_adapter().dependents(instance)], instance)


def related_deleted(sender: type[Model], instance: Model, using: str, **kwargs: Any) -> None:
    """Before the delete: afterwards nothing tells which products the row belonged to."""
    _enqueue(using, lambda: get_adapter().dependents(instance), instance)


def through_changed(
    sender: type[Model], instance: Model, using: str, raw: bool = False, **kwargs: Any
) -> None:
    """A row of a host's own through model was saved or deleted."""
    if not raw:
        _enqueue(using, lambda: _products_of(instance), instance)


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
    """Either side may be the product; a clear from the other side names no products."""
    product = conf.product_model()
    # Adding what is there already is told without keys.
    changed = bool(pk_set) if action != "post_clear" else True
    ended = action in ("post_add", "post_remove", "post_clear")
    if ended and changed and isinstance(instance, product):
        _enqueue(using, lambda: [instance.pk], instance)
    if action in ("post_add", "post_remove") and issubclass(model, product):
        _enqueue(using, lambda: pk_set or (), instance)
    if action == "pre_clear" and issubclass(model, product):
        _enqueue(using, lambda: _linked_to(sender, instance, using), instance)


def _enqueue(
    using: str, keys: Callable[[], Iterable[Any]], instance: Model, *, durable: bool = True
) -> None:
    """Write outbox rows in the transaction on ``using`` and wake a worker after it.

    A product saved in another database than the outbox's is enqueued after its commit. So is
    one whose row another transaction holds: two that change the photos of the same products
    in different order would wait for each other, and PostgreSQL ends one of the waits.
    """
    outbox = PendingProduct.objects.write_alias
    if mode.at_work():  # they have written the rows already, in the statement that made them due
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
    receivers.guarded(alias, write, instance, "embed it by 'manage.py embed'", if_locked)


def _linked_to(through: type[Model], instance: Model, using: str) -> list[Any]:
    """Products that the through model links to ``instance``."""
    to_product, to_other = _ends(through, type(instance))
    rows = through._base_manager.using(using).filter(**{to_other: instance.pk})
    return list(rows.values_list(to_product, flat=True))


def _products_of(row: Model) -> list[Any]:
    to_product, _to_other = _ends(type(row), None)
    key = getattr(row, to_product)
    return [] if key is None else [key]


def _ends(through: type[Model], other: type[Model] | None) -> tuple[str, str]:
    """Attribute names of the through model's keys to the product and to the other model."""
    product = conf.product_model()
    to_product = to_other = ""
    for field in through._meta.concrete_fields:
        target = field.related_model
        if not isinstance(target, type):
            continue
        if not to_product and issubclass(product, target):
            to_product = field.attname
        elif other is not None and issubclass(other, target):
            to_other = field.attname
    return to_product, to_other
