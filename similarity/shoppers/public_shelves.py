"""Shelves that are the same for everybody: what is trending, and what people also viewed."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db.models import Model, QuerySet
from django.db.models.functions import MD5

from similarity.catalog import times
from similarity.catalog.adapter import get_adapter
from similarity.models import ProductVectors
from similarity.models.vectors import ALONE
from similarity.shoppers.models import AlsoViewedItem, TrendingItem
from similarity.shoppers.public_counts import ALSO_VIEWED_STEPS, TRENDING_STEPS
from similarity.similar.fallback import groups_of
from similarity.similar.hits import Hit, excluded_keys, require_limit
from similarity.similar.within import Within, key_field, key_of

#: The tiers of the hits, and the ranks at which their steps end.
TRENDING, ALSO_VIEWED = "trending", "also_viewed"
STEPS = {TRENDING: TRENDING_STEPS, ALSO_VIEWED: ALSO_VIEWED_STEPS}
#: Rows of an older release are not shown, in case beat is down.
MAX_AGE = timedelta(days=7)
#: Items that are looked up for each hit wanted, because some may not be shown now.
LOOKED_AT = 2


def trending(
    limit: int = 8, *, within: QuerySet[Any] | None = None, exclude: Iterable[Any] = ()
) -> list[Hit]:
    """Return products that shoppers look at more than before, best first; tier ``trending``.

    ``within`` defaults to the products that the adapter allows. There is one product for each
    group of variants, and none of ``exclude`` or its variants. The score falls in a few coarse
    steps. Raises :class:`similarity.exceptions.QueryError` for invalid arguments.
    """
    left_out = groups_of(excluded_keys(exclude), get_adapter()).values()
    return _shelf(TRENDING, TrendingItem.objects.all(), limit, within, left_out)


def also_viewed(
    product: Model | Any,
    limit: int = 8,
    *,
    within: QuerySet[Any] | None = None,
    exclude: Iterable[Any] = (),
) -> list[Hit]:
    """Return products that shoppers looked at on the same day as ``product``, an instance or key.

    The tier is ``also_viewed``; all else is as for :func:`trending`.
    """
    key = key_of(product)
    names = groups_of([key, *excluded_keys(exclude)], get_adapter())
    rows = AlsoViewedItem.objects.filter(source=names[key])
    return _shelf(ALSO_VIEWED, rows, limit, within, names.values())


def _shelf(
    tier: str,
    rows: QuerySet[Any],
    limit: int,
    within: QuerySet[Any] | None,
    left_out: Iterable[str],
) -> list[Hit]:
    """Return hits of the rows, without the items ``left_out``, in the order of their steps."""
    require_limit(limit)
    room = Within(get_adapter().eligible() if within is None else within)
    recent = rows.using(room.using).filter(day__gt=times.today() - MAX_AGE)
    # Within a step the order says nothing about the counts.
    recent = recent.exclude(name__in=list(left_out)).order_by("step", MD5("name"))
    shown = islice(_shown(list(recent), LOOKED_AT * limit, room), limit)
    return [
        Hit(str(product.pk), _score(step, STEPS[tier]), tier, product=product)
        for step, product in shown
    ]


def _shown(ordered: list[Any], size: int, room: Within) -> Iterator[tuple[int, Any]]:
    """Yield the step and a product that passes the filter now, of each item that has one."""
    for first in range(0, len(ordered), size):
        page = ordered[first : first + size]
        members = ProductVectors.objects.using(room.using).members([row.name for row in page])
        keys = {row.name: members.get(row.name) or _own_key(row.name) for row in page}
        loaded = room.load(key for some in keys.values() for key in some)
        for row in page:
            product = next((loaded[key] for key in keys[row.name] if key in loaded), None)
            if product is not None:
                yield row.step, product


def _own_key(name: str) -> list[Any]:
    """Return the key of a product without variants, whose item is named after it."""
    return [key_field().to_python(name[len(ALONE) :])] if name.startswith(ALONE) else []


def _score(step: int, steps: tuple[int, ...]) -> float:
    """Return 1 for the first step, falling evenly to more than 0 for the last."""
    return (len(steps) + 1 - min(step, len(steps))) / len(steps)
