"""Shelves without a model: like the last seen, then best sellers of those categories, then all."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import QuerySet

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter
from similarity.shoppers.shopper import History
from similarity.similar import fallback
from similarity.similar.hits import Hit, Taken
from similarity.similar.more_like import more_like
from similarity.similar.shelf_cache import cached_hits
from similarity.similar.within import Within, key_field

SIMILAR, CATEGORY, POPULAR = "similar", "category", "popular"
#: The last products that stand for a shopper.
LAST_SEEN = 10
#: Categories whose best sellers follow.
LAST_CATEGORIES = 3
#: Best sellers per wanted place, among which categories take turns.
POOL = 5


def fill(
    wanted: int, history: History, within: Within, adapter: CatalogAdapter, taken: Taken
) -> list[Hit]:
    """Return at most ``wanted`` hits of the first tiers that have any; ``taken`` learns of them."""
    found: list[Hit] = []
    for hits in _tiers(wanted, history, within, adapter, taken):
        found += _free(hits, wanted - len(found), adapter, taken)
        if len(found) >= wanted:
            break
    return found


def _tiers(
    wanted: int, history: History, within: Within, adapter: CatalogAdapter, taken: Taken
) -> Iterator[Sequence[Hit]]:
    asked = min(wanted + len(taken.keys), conf.MAX_LIMIT)
    if history.events:
        yield _similar(asked, history, within)
        names = _categories(history.products[:LAST_SEEN], adapter, within.using)
        for name in names[:LAST_CATEGORIES]:
            yield _best_sellers(asked, within, adapter, name)
    yield _best_sellers(asked, within, adapter)


def _similar(wanted: int, history: History, within: Within) -> list[Hit]:
    liked = history.products[:LAST_SEEN]
    hits = more_like(
        liked, sorted(history.unwanted, key=str)[:LAST_SEEN], wanted, within=within.products
    )
    return [replace(hit, tier=SIMILAR) for hit in hits if hit.tier == "fused"]


def _categories(keys: Sequence[Any], adapter: CatalogAdapter, using: str) -> list[str]:
    """Return the categories of these products, the most frequent first."""
    products = adapter.model._base_manager.using(using).filter(pk__in=keys)
    of_each = adapter.values_of("category", products)
    names = [name for key in keys for name in of_each.get(key, [])]
    return sorted(dict.fromkeys(names), key=lambda name: -names.count(name))


def _best_sellers(
    wanted: int, within: Within, adapter: CatalogAdapter, category: str = ""
) -> list[Hit]:
    """Return best sellers, of the shop in turns of its categories, or of one category.

    They are the same for everybody, so the shared cache of shelves holds them.
    """
    passing = within.narrowed() if within.fixed_rows else within.products
    if category:
        of_it = adapter.filter_by("category", [category])
        if of_it is None:
            return []
        passing = passing.filter(of_it)

    def find(asked: int) -> list[Hit]:
        keys = _ordered(passing, POOL * asked, adapter)
        if not category:
            keys = _in_turns(keys, adapter, passing.db)
        tier = CATEGORY if category else POPULAR
        groups = fallback.groups_of(keys, adapter)
        first = {group: key for key, group in reversed(groups.items())}
        shown = [key for key, group in groups.items() if first[group] == key][:asked]
        products = Within(passing).load(shown)
        return [Hit(str(key), 0.0, tier, product=products[key]) for key in shown if key in products]

    return cached_hits(["best sellers", category, wanted], wanted, passing, find)


def _ordered(passing: QuerySet[Any], most: int, adapter: CatalogAdapter) -> list[Any]:
    """Return keys by falling sales, or the newest products if the host knows no sales."""
    best = adapter.popular(passing)
    if best is None:
        _name, order = fallback.catalogue_order()
        best = passing.order_by(*order)
    return list(best.values_list("pk", flat=True)[:most])


def _in_turns(keys: list[Any], adapter: CatalogAdapter, using: str) -> list[Any]:
    """Return the best of each category first, then the second of each, and so on.

    An unknown shopper may want any kind of product.
    """
    products = adapter.model._base_manager.using(using).filter(pk__in=keys)
    of_each = adapter.values_of("category", products)
    turn: dict[str, int] = {}
    placed = []
    for rank, key in enumerate(keys):
        name = next(iter(of_each.get(key, [])), "")
        turn[name] = turn.get(name, 0) + 1
        placed.append((turn[name], rank, key))
    return [key for _turn, _rank, key in sorted(placed, key=lambda one: one[:2])]


def _free(hits: Sequence[Hit], wanted: int, adapter: CatalogAdapter, taken: Taken) -> list[Hit]:
    """Return the first hits whose key and group are not taken, and take them."""
    keys = [key_field().to_python(hit.key) for hit in hits]
    groups = fallback.groups_of(keys, adapter) if taken.groups else {}
    found: list[Hit] = []
    for hit, key in zip(hits, keys, strict=True):
        group = groups.get(key)
        if len(found) < wanted and key not in taken.keys and group not in taken.groups:
            found.append(hit)
            taken.keys.add(key)
            taken.groups |= {group} if group else set()
    return found
