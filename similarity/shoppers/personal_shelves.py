"""Shelves of a person's own history: because you viewed, recently viewed, buy again."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from django.db.models import QuerySet

from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.catalog.card import title_of
from similarity.connections import metrics
from similarity.shoppers.shopper import Act, History, now, read_shopper_history, shopper_of
from similarity.similar import fallback
from similarity.similar.hits import Hit, excluded_keys, require_limit
from similarity.similar.planner_settings import savepoint
from similarity.similar.shelf_cache import read_cached_similar
from similarity.similar.shelves import similar_to
from similarity.similar.within import Within

VIEWED, BOUGHT = "viewed", "bought"
#: Days after which a product bought once is expected to be bought again.
USUAL_CYCLE = timedelta(days=45)
#: Shortest time between two purchases that counts as a habit, and not as one purchase.
LEAST_CYCLE = timedelta(days=1)
#: Products of the shelf on a product's own page, by default.
PAGE_LIMIT = 8
#: Products looked through for the last one that may still be shown.
LOOKED_THROUGH = 20


class BecauseShelf(NamedTuple):
    """Hits similar to ``product``, the last one looked at; ``title`` is its name for shoppers."""

    product: Any
    title: str
    hits: list[Hit]


def because_you_viewed(
    who: Any,
    limit: int = 8,
    *,
    within: QuerySet[Any] | None = None,
    exclude: Iterable[Any] = (),
) -> BecauseShelf | None:
    """Return products similar to the last product that ``who`` looked at, and that product.

    Products of ``exclude`` are neither named nor shown, for example the product of the page. None
    without a history, or if nothing similar may be shown. Only a product that may be shown now is
    named. The other arguments are those of :func:`similarity.shoppers.recommend_for`.
    """
    require_limit(limit)
    room, history, adapter = _read(who, within)
    excluded = excluded_keys(exclude)
    with metrics.timed("shelf_seconds", shelf="because_you_viewed"), savepoint(room.using):
        last = [key for key in history.viewed[:LOOKED_THROUGH] if key not in excluded]
        bare = Within(room.products.prefetch_related(None))  # its title is enough
        product = next(_passing(last, 1, bare), None)
        if product is None:
            return None
        hits = _similar(product, limit, room, [*excluded, *history.left_out])
        return BecauseShelf(product, title_of(adapter, product), hits) if hits else None


def _similar(product: Any, limit: int, room: Within, left_out: Sequence[Any]) -> list[Hit]:
    """Return similar products without those left out, from the shelf of the product's own page.

    That shelf is the same for everybody. It is computed here if no page has made it, or if it holds
    too few others, and is not cached then, so that nothing of this shopper is.
    """
    cached = read_cached_similar(product, PAGE_LIMIT, room.products) or []
    gone = {str(key) for key in left_out}
    hits = [hit for hit in cached if hit.key not in gone][:limit]
    if len(hits) < limit:
        hits = similar_to(product, limit, within=room.products, exclude=left_out)
    return hits


def recently_viewed(
    who: Any,
    limit: int = 8,
    *,
    within: QuerySet[Any] | None = None,
    exclude: Iterable[Any] = (),
) -> list[Hit]:
    """Return the products that ``who`` looked at last and that may be shown now, latest first."""
    require_limit(limit)
    room, history, adapter = _read(who, within)
    with metrics.timed("shelf_seconds", shelf="recently_viewed"), savepoint(room.using):
        excluded = excluded_keys(exclude)
        keys = [key for key in history.viewed if key not in excluded]
        return _hits(keys, [0.0] * len(keys), limit, VIEWED, room, adapter)


def buy_again(
    who: Any,
    limit: int = 8,
    *,
    within: QuerySet[Any] | None = None,
    exclude: Iterable[Any] = (),
) -> list[Hit]:
    """Return products that ``who`` bought before, those first that are due again.

    Purchases are those of the host's orders, or the events if the host has none. The score grows
    with the number of purchases, and is highest when as much time has passed since the last one
    as between the ones before.
    """
    require_limit(limit)
    room, history, adapter = _read(who, within)
    with metrics.timed("shelf_seconds", shelf="buy_again"), savepoint(room.using):
        excluded = set(excluded_keys(exclude))
        due = [(score, key) for key, score in due_scores(history.purchases).items()]
        due = [one for one in due if one[1] not in excluded]
        due.sort(key=lambda one: -one[0])
        keys, scores = [key for _score, key in due], [score for score, _key in due]
        return _hits(keys, scores, limit, BOUGHT, room, adapter)


def due_scores(purchases: Sequence[Act]) -> dict[Any, float]:
    """Return key → how likely the product is bought again now, in (0, 1).

    Purchases are given latest first. Those of unknown time count as bought a usual cycle ago.
    """
    of_each: dict[Any, list[Act]] = {}
    for one in purchases:
        of_each.setdefault(one.product, []).append(one)
    return {key: _due(acts) for key, acts in of_each.items()}


def _due(acts: Sequence[Act]) -> float:
    at = [one.at for one in acts if one.at is not None]
    if not at:
        return 0.5
    gaps = [gap for late, early in pairwise(at) if (gap := late - early) >= LEAST_CYCLE]
    habit = 1 + len(gaps)
    cycle = sum(gaps, timedelta()) / len(gaps) if gaps else USUAL_CYCLE
    passed = max(now() - at[0], timedelta(hours=1))
    away = float(np.log(passed / cycle))  # 0: a cycle has passed
    return habit / (habit + 1) * float(np.exp(-away * away / 2))


def _read(who: Any, within: QuerySet[Any] | None) -> tuple[Within, History, CatalogAdapter]:
    adapter, shopper = get_adapter(), shopper_of(who)
    room = Within(adapter.eligible(shopper.request) if within is None else within)
    with savepoint(room.using):
        return room, read_shopper_history(shopper, room.using), adapter


def _hits(
    keys: Sequence[Any],
    scores: Sequence[float],
    limit: int,
    tier: str,
    room: Within,
    adapter: CatalogAdapter,
) -> list[Hit]:
    """Return the first of these products that may be shown now, one of each group of variants."""
    score_of = dict(zip(keys, scores, strict=True))
    hits: dict[str, Hit] = {}
    for products in _pages(keys, limit, room):
        groups = fallback.groups_of([one.pk for one in products], adapter)
        for one in products:
            hit = Hit(str(one.pk), score_of[one.pk], tier, product=one)
            hits.setdefault(groups[one.pk], hit)
        if len(hits) >= limit:
            break
    return list(hits.values())[:limit]


def _passing(keys: Sequence[Any], limit: int, room: Within) -> Iterator[Any]:
    """Yield the products that may be shown now, in the order of ``keys``."""
    for products in _pages(keys, limit, room):
        yield from products


def _pages(keys: Sequence[Any], limit: int, room: Within) -> Iterator[list[Any]]:
    """Yield the same in pages of a few more than ``limit``, each by one query."""
    passing = room.narrowed() if room.fixed_rows else room.products
    size = limit + 2
    for start in range(0, len(keys), size):
        some = keys[start : start + size]
        products = Within(passing.filter(pk__in=some)).load(some)
        yield [products[key] for key in some if key in products]
