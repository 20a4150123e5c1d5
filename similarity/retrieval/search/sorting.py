"""Orders other than by relevance: of the products that match every word."""

from typing import Any

from django.db.models import F

from similarity.catalog.adapter import CatalogAdapter
from similarity.exceptions import QueryError
from similarity.retrieval import fallback
from similarity.retrieval.search import facets
from similarity.retrieval.search.lexical import LexicalQuery
from similarity.retrieval.search.ranking import MAX_DEPTH, Ranked, Ranking
from similarity.retrieval.search.reading import Reading
from similarity.retrieval.within import Within

SORTS = ("relevance", "price", "-price", "newest")

#: Where no product holds every word, so many of the most relevant are sorted: at the end of a
#: long list stands what has little to do with the query, and might be the cheapest.
MOST_RELEVANT = 100


def check(sort: str, adapter: CatalogAdapter) -> None:
    """Raises :class:`QueryError` for an order that is not known or not to be had."""
    if sort not in SORTS:
        raise QueryError(f"sort is {sort!r:.100}; choose one of {', '.join(SORTS)}.")
    if sort.endswith("price") and not adapter.price_lookup:
        raise QueryError(
            f"sort is {sort!r}, and the catalogue has no price that the database can sort by; "
            "name a field in SIMILARITY['CATALOG']['price']."
        )


def in_order(
    ranking: Ranking, sort: str, reading: Reading, within: Within, adapter: CatalogAdapter
) -> Ranking:
    """The ranking's products by ``sort``, of variants the first."""
    if sort == "relevance" or not ranking.total:
        return ranking
    sure = [one for one in ranking.found if one.tier in ("code", "words")]
    if sure:
        others = [one.key for one in sure if one.tier == "code"]
        matches = facets.matching(reading.query, "all", others, within.using)
    else:
        keys = [one.key for one in ranking.found[:MOST_RELEVANT]]
        matches = facets.matching(LexicalQuery((), 0), "all", keys, within.using)
    products = facets.found_products(within, matches).order_by(*_order(sort, adapter), "pk")
    found = _first_of_groups(products.values_list("pk", "similarity_group"), ranking)
    total = products.order_by().values("similarity_group").distinct().count()
    return Ranking(found, total, ranking.rescued, ranking.mode, ranking.hybrid)


def _first_of_groups(rows: Any, ranking: Ranking) -> list[Ranked]:
    """Their scores and tiers are those of the ranking, wherever it goes so far."""
    known = {one.group: one for one in ranking.found}
    found: dict[str, Ranked] = {}
    for key, group in rows.iterator(chunk_size=2000):
        if group not in found:
            told = known.get(group)
            found[group] = Ranked(
                key, group, told.score if told else 0.0, told.tier if told else "words"
            )
        if len(found) == MAX_DEPTH:
            break
    return list(found.values())


def _order(sort: str, adapter: CatalogAdapter) -> list[Any]:
    if sort == "newest":
        return fallback.catalogue_order()[1]
    price = F(str(adapter.price_lookup))
    return [price.desc(nulls_last=True) if sort == "-price" else price.asc(nulls_last=True)]
