"""How many of the products found have each value of an attribute, and how prices lie."""

from collections.abc import Iterable
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django.db import connections
from django.db.models import Count, Max, Min, OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.paths import text_value
from similarity.exceptions import QueryError
from similarity.models import SearchDocument
from similarity.retrieval.search import lexical
from similarity.retrieval.search.lexical import LexicalQuery
from similarity.retrieval.search.page import FacetValue, PriceBucket
from similarity.retrieval.within import Fragment, Within, database_keys, key_field

PRICE = "price"
#: Values of a facet that are shown at most.
MOST_VALUES = 50
MOST_FACETS = 20
BUCKETS = 8


def matching(query: LexicalQuery, mode: str, others: Iterable[Any], using: str) -> Fragment:
    """``SELECT key`` of what the words match, and of ``others`` found otherwise."""
    kind = key_field().db_type(connections[using])
    sql = f"SELECT unnest(%s::{kind}[])"
    params: tuple[Any, ...] = (database_keys(others, using),)
    if text := query.tsquery(mode):
        sql += f" UNION SELECT product_id FROM {lexical.TABLE} WHERE document @@ %s::tsquery"  # noqa: S608
        params += (text,)
    return Fragment(sql, params)


def found_products(within: Within, matches: Fragment) -> QuerySet[Any]:
    """The host's products that are found, with their variants' group as ``similarity_group``."""
    group = SearchDocument.objects.filter(product=OuterRef("pk")).values("group")[:1]
    products = within.narrowed().filter(pk__in=RawSQL(*matches))  # noqa: S611 - ours
    return products.annotate(similarity_group=Subquery(group))


def check(names: Iterable[str], adapter: CatalogAdapter) -> None:
    """Raises :class:`QueryError` for a facet that cannot be counted."""
    names = list(names)
    if len(names) > MOST_FACETS:
        raise QueryError(f"{len(names)} facets are asked for; {MOST_FACETS} at most.")
    for name in names:
        lookup = adapter.price_lookup if name == PRICE else adapter.filter_lookup(name)
        if not lookup:
            raise QueryError(
                f"There is no facet {name!r:.100}; the catalogue has "
                f"{', '.join(adapter.filter_names()) or 'no attributes'}."
            )


def counts(name: str, products: QuerySet[Any], adapter: CatalogAdapter) -> list[FacetValue]:
    """Values of the attribute ``name``, the most frequent first; of variants one counts."""
    lookup = str(adapter.filter_lookup(name))  # check() has seen that there is one
    rows = (
        products.order_by()
        .exclude(**{f"{lookup}__isnull": True})
        .values_list(lookup)
        .annotate(similarity_count=Count("similarity_group", distinct=True))
    )
    found: dict[str, int] = {}
    for value, count in rows:
        for text in _texts(value):
            found[text] = found.get(text, 0) + count
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [FacetValue(*item) for item in ordered[:MOST_VALUES]]


def prices(products: QuerySet[Any], adapter: CatalogAdapter) -> list[PriceBucket]:
    """Buckets of round and equal width from the lowest to the highest price."""
    lookup = adapter.price_lookup
    every = products.order_by().exclude(**{f"{lookup}__isnull": True})
    bounds = every.aggregate(low=Min(lookup), high=Max(lookup))
    if bounds["low"] is None:
        return []
    low, high = Decimal(str(bounds["low"])), Decimal(str(bounds["high"]))
    width = round_width((high - low) / BUCKETS)
    first = (low / width).to_integral_value(ROUND_FLOOR) * width
    starts = [first + width * at for at in range(int((high - first) / width) + 1)]
    buckets = {
        f"bucket_{at}": Count(
            "similarity_group",
            distinct=True,
            filter=_between(f"{lookup}", start, start + width),
        )
        for at, start in enumerate(starts)
    }
    counted = every.aggregate(**buckets)
    return [
        PriceBucket(start, start + width, counted[f"bucket_{at}"])
        for at, start in enumerate(starts)
    ]


def round_width(width: Decimal) -> Decimal:
    """The next of 1, 2, 5, 10, 20, 50 … cents and above."""
    step = Decimal("0.01")
    while True:
        for factor in (1, 2, 5):
            if step * factor >= width:
                return step * factor
        step *= 10


def _between(lookup: str, low: Decimal, high: Decimal) -> Any:
    from django.db.models import Q

    return Q(**{f"{lookup}__gte": low, f"{lookup}__lt": high})


def _texts(value: Any) -> list[str]:
    """A JSON list is several values, and true is ``yes``, as filters take them."""
    values = value if isinstance(value, list) else [value]
    return [text for text in (text_value([one]) for one in values) if text]
