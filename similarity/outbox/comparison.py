"""Comparison of a page of the catalogue with its stored rows; no model runs."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.content import ProductContent
from similarity.extension import extensions
from similarity.models import EncoderVersion, PendingProduct, ProductVectors
from similarity.vectors import encoding, fusions, upsert

logger = logging.getLogger(__name__)

Status = EncoderVersion.Status

#: Outbox rows that one query reads in the search for deleted products.
OUTBOX_PAGE = 1000


@dataclass(frozen=True)
class Findings:
    """Keys of products, by the fault of their stored rows.

    Products in the outbox are neither ``stale`` nor ``missing``, because their change is known.
    ``orphaned`` are primary keys.
    """

    stale: Sequence[str] = ()
    missing: Sequence[str] = ()
    orphaned: Collection[Any] = field(default_factory=set)


def compare(adapter: CatalogAdapter, keys: Sequence[Any], after: Any, last: bool) -> Findings:
    """Compare the products ``keys``, which follow ``after`` in key order; return the findings.

    A product that cannot be read counts as stale, so that the outbox keeps its error. With
    ``last`` no key follows ``keys``.
    """
    names = [str(key) for key in keys]
    contents, unread = encoding.read_contents(adapter, names)
    if delayed := [content for content in contents if content.delayed]:
        logger.warning(
            "The state of %d of %d products is unknown at present; their vectors stay: %s",
            *(len(delayed), len(keys), delayed[0].delayed),
        )
    told = {content.key for content in contents} | set(unread)
    stale, missing = _outdated(contents)
    known = _in_outbox([*stale, *missing, *unread])
    untold = [key for key, name in zip(keys, names, strict=True) if name not in told]
    return Findings(
        [key for key in (*stale, *unread) if key not in known],
        [key for key in missing if key not in known],
        _with_rows(untold) | _between(after, None if last else keys[-1], set(keys)),
    )


def _outdated(contents: Sequence[ProductContent]) -> tuple[list[str], list[str]]:
    """Return (stale, missing) keys, in any maintained version or in the data of extensions."""
    versions = list(fusions.every_version().maintained())
    keys = [content.key for content in contents]
    stored = upsert.fingerprints(versions, keys)
    kept = [(one, one.fingerprints(keys)) for one in extensions() if one.product_models()]
    # A version being built lacks rows that its build will still add.
    full = [version.pk for version in versions if version.status != Status.BUILDING]
    live = any(version.status == Status.LIVE for version in versions)
    stale, missing = [], []
    for content in contents:
        found = {version.pk: stored.get((version.pk, content.key)) for version in versions}
        lacking = not live or any(found[pk] is None for pk in full)
        unwritten = any(content.key not in marks for _one, marks in kept)
        if (lacking and not content.is_blank) or unwritten:
            missing.append(content.key)
        # Unknown is not changed: an outage of the photos' storage must not fill the outbox.
        elif any(content.matches(mark) is False for mark in found.values() if mark is not None) or (
            any(one.fingerprint(content) != marks[content.key] for one, marks in kept)
        ):
            stale.append(content.key)
    return stale, missing


def _product_models() -> list[type[Model]]:
    return [ProductVectors, *(model for one in extensions() for model in one.product_models())]


def _in_outbox(keys: Sequence[str]) -> set[str]:
    """Return the keys in the outbox, dead rows included, because reconcile must not revive a
    product that kills workers."""
    rows = PendingProduct.objects.using(upsert.alias()).filter(product_key__in=keys)
    return set(rows.values_list("product_key", flat=True)) if keys else set()


def _with_rows(keys: Sequence[Any]) -> set[Any]:
    """Return the keys with stored rows."""
    return {
        key
        for model in _product_models()
        for key in (
            model._default_manager.using(upsert.alias())
            .filter(product__in=keys)
            .values_list("product_id", flat=True)
            if keys
            else ()
        )
    }


def _between(after: Any, upto: Any, keys: set[Any]) -> set[Any]:
    """Return stored keys after ``after``, up to ``upto``, that no product has.

    Such keys exist only if a migration of the host lost the foreign key, which deletes rows
    with their product.
    """
    found: set[Any] = set()
    for model in _product_models():
        rows = model._default_manager.using(upsert.alias()).exclude(product__in=keys)
        if after is not None:
            rows = rows.filter(product_id__gt=after)
        if upto is not None:
            rows = rows.filter(product_id__lte=upto)
        found |= set(rows.values_list("product_id", flat=True).distinct())
    return found - _existing(found)


def _existing(keys: Collection[Any]) -> set[Any]:
    products = conf.product_model()._base_manager.using(upsert.alias())
    return set(products.filter(pk__in=keys).values_list("pk", flat=True)) if keys else set()


def delete_orphans(adapter: CatalogAdapter, keys: Collection[Any]) -> int:
    """Delete stored rows of products the catalogue does not have; return the number of products.

    Products that exist but were not read are read again under a lock, because they may have come
    back since.
    """
    if not keys:
        return 0
    with transaction.atomic(using=upsert.alias()):
        upsert.lock_products([str(key) for key in keys])
        back, unread = encoding.read_contents(adapter, [str(key) for key in keys])
        kept = {content.key for content in back} | set(unread)
        gone = [key for key in keys if str(key) not in kept]
        for model in _product_models():
            rows = model._default_manager.using(upsert.alias())
            rows.filter(product__in=gone).delete()
    return len(gone)


def vanished_from_outbox() -> list[int]:
    """Return ids of outbox rows whose product no longer exists, except rows a worker holds."""
    to_python = conf.product_model()._meta.pk.to_python
    rows = PendingProduct.objects.using(upsert.alias()).filter(lease_until=None).order_by("pk")
    vanished: list[int] = []
    after = 0
    while page := list(rows.filter(pk__gt=after).values_list("pk", "product_key")[:OUTBOX_PAGE]):
        after = page[-1][0]
        keys = {}
        for pk, name in page:
            try:
                keys[pk] = to_python(name)
            except ValidationError:  # a key of the shop's previous product model
                vanished.append(pk)
        existing = _existing(keys.values())
        vanished += [pk for pk, key in keys.items() if key not in existing]
    return vanished


def delete_from_outbox(ids: Sequence[int]) -> int:
    rows = PendingProduct.objects.using(upsert.alias())
    return int(rows.filter(pk__in=ids, lease_until=None).delete()[0]) if ids else 0
