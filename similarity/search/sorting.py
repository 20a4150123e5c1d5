"""Sort orders other than relevance, applied to the products that match."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

from django.db.models import F

from similarity.catalog.adapter import PRICE, CatalogAdapter
from similarity.exceptions import QueryError
from similarity.search.budget import UNLIMITED, Budget
from similarity.search.ranking import MAX_DEPTH, Ranked, Ranking
from similarity.search.resolved_query import ResolvedQuery
from similarity.search.result_set import ResultSet, found_products
from similarity.similar import fallback
from similarity.similar.within import Within

SORTS = ("relevance", "price", "-price", "newest")

#: If more products match, only the ranked products are sorted.
SORTED = 50_000


def check(sort: str, adapter: CatalogAdapter) -> None:
    """Raise :class:`QueryError` for an unknown or unavailable sort order."""
    if sort not in SORTS:
        raise QueryError(f"sort is {sort!r:.100}; choose one of {', '.join(SORTS)}.")
    if sort.endswith("price") and not adapter.has_price:
        raise QueryError(
            f"sort is {sort!r}, and the catalogue has no price that the database can sort by; "
            "name a field in SIMILARITY['CATALOG']['price']."
        )


def in_order(
    ranking: Ranking,
    sort: str,
    reading: ResolvedQuery,
    within: Within,
    adapter: CatalogAdapter,
    budget: Budget = UNLIMITED,
) -> Ranking:
    """Return the ranking's products by ``sort``, with the first variant of each group.

    If more than SORTED products match, or the time is up, sort only the ranked products, at most
    MAX_DEPTH.
    """
    if sort == "relevance" or not ranking.total:
        return ranking
    order = [*_order(sort), "pk"]
    found: list[Ranked] = []
    if ranking.total <= SORTED:
        every = ranking.matches(reading.query)
        sort_all = partial(_sorted, every, order, ranking, within, adapter)
        found = budget.attempt(within.using, sort_all, found)
    complete = bool(found)
    if not found:
        with UNLIMITED.bounding(within.using):
            found = _sorted(ranking.ranked_matches(), order, ranking, within, adapter)
    return replace(ranking, found=found[:MAX_DEPTH], total=len(found), complete=complete)


def _sorted(
    matches: ResultSet,
    order: Sequence[Any],
    ranking: Ranking,
    within: Within,
    adapter: CatalogAdapter,
) -> list[Ranked]:
    """Return the first MAX_DEPTH groups, and a further group if there is any.

    Their scores and tiers come from the ranking, as far as it reaches.
    """
    known = {one.group: one for one in ranking.found}
    unranked = ranking.rescued or "words"
    products = adapter.annotate_price(found_products(within, matches.keys(within.using)))
    products = products.order_by(*order)
    rows = products.values_list("pk", "similarity_group")
    found: dict[str, Ranked] = {}
    size = 2 * MAX_DEPTH  # a group has several variants
    for start in count(0, size):
        page = list(rows[start : start + size])
        for key, group in page:
            told = known.get(group)
            tier = (told.score, told.tier) if told else (0.0, unranked)
            found.setdefault(group, Ranked(key, group, *tier))
        if len(page) < size or len(found) > MAX_DEPTH:
            break
    return list(found.values())[: MAX_DEPTH + 1]


def _order(sort: str) -> list[Any]:
    if sort == "newest":
        return fallback.catalogue_order()[1]
    price = F(PRICE)
    return [price.desc(nulls_last=True) if sort == "-price" else price.asc(nulls_last=True)]
