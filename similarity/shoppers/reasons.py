"""Reasons for a shopper: the product of their own history that brought a product up."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from django.utils.translation import gettext, gettext_noop

from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.card import title_of
from similarity.events.models import Kind
from similarity.models.stored_vectors import StoredVectors
from similarity.shoppers.shopper import Act, Shopper
from similarity.similar.hits import Hit, Reason
from similarity.similar.within import key_field
from similarity.types import FloatArray

HISTORY = "history"
#: kind → sentence; other kinds are looks.
SENTENCES = {
    Kind.PURCHASE: gettext_noop("Because you bought %(title)s"),
    Kind.LIKE: gettext_noop("Because you like %(title)s"),
}
LOOKED = gettext_noop("Because you looked at %(title)s")


def explained(
    hits: Sequence[Hit],
    events: Sequence[Act],
    stored: Mapping[Any, StoredVectors],
    shopper: Shopper,
    adapter: CatalogAdapter,
    using: str,
) -> list[Hit]:
    """Return the hits with a reason each, from the nearest product of the history.

    ``stored``: the vectors of the history and of the hits, all of one kind. Only products that
    this shopper may look at now are named. One query.
    """
    rows = {key: row.vectors["fused"] for key, row in stored.items() if row.has("fused")}
    named = _viewable([one for one in events if one.product in rows], shopper, adapter, using)
    if not named:
        return list(hits)
    acts, titles = zip(*named, strict=True)
    own = _unit(np.stack([rows[act.product] for act in acts]))  # type: ignore[misc]
    explained = []
    for hit in hits:
        row = rows.get(key_field().to_python(hit.key))
        if row is not None:
            nearest = int((own @ row).argmax())
            reason = Reason(HISTORY, 1.0, _sentence(acts[nearest], titles[nearest]))
            hit = replace(hit, reasons=(reason,))
        explained.append(hit)
    return explained


def _viewable(
    events: Sequence[Act], shopper: Shopper, adapter: CatalogAdapter, using: str
) -> list[tuple[Act, str]]:
    """Return the latest act with each product that may be named now, with its title."""
    latest = {one.product: one for one in reversed(events)}
    if not latest:
        return []
    viewable = adapter.viewable(shopper.request).using(using).order_by().filter(pk__in=latest)
    return [(latest[one.pk], title_of(adapter, one)) for one in viewable if one.pk in latest]


def _sentence(act: Act, title: str) -> str:
    return gettext(SENTENCES.get(Kind(act.kind), LOOKED)) % {"title": title}


def _unit(rows: FloatArray) -> FloatArray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
