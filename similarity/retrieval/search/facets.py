"""How many of the products found have each value of an attribute, and how prices lie."""

import json
from collections.abc import Iterable
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import JSONField, OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.paths import text_value
from similarity.exceptions import QueryError
from similarity.models import SearchDocument
from similarity.retrieval.search import lexical
from similarity.retrieval.search.lexical import LexicalQuery
from similarity.retrieval.search.page import FacetValue, PriceBucket
from similarity.retrieval.session import local_settings
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
        sql += f" UNION ALL SELECT product_id FROM {lexical.TABLE} WHERE document @@ %s::tsquery"  # noqa: S608
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


def counts(
    name: str, within: Within, matches: Fragment, adapter: CatalogAdapter
) -> list[FacetValue]:
    """Values of the attribute ``name``, the most frequent first; of variants one counts."""
    lookup = str(adapter.filter_lookup(name))  # check() has seen that there is one
    rows = _grouped(within, lookup, matches, "value")
    is_json = _is_json(within, lookup)
    found: dict[str, int] = {}
    for value, count in rows:
        for text in _texts(json.loads(value) if is_json and value is not None else value):
            found[text] = found.get(text, 0) + count
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [FacetValue(*item) for item in ordered[:MOST_VALUES]]


def prices(within: Within, matches: Fragment, adapter: CatalogAdapter) -> list[PriceBucket]:
    """Buckets of round and equal width from the lowest to the highest price."""
    lookup = str(adapter.price_lookup)
    [(low, high)] = _rows(within, lookup, matches, "min(value), max(value)")
    if low is None:
        return []
    low, high = Decimal(str(low)), Decimal(str(high))
    width = round_width((high - low) / BUCKETS)
    first = (low / width).to_integral_value(ROUND_FLOOR) * width
    at = f"floor((value::numeric - {first}) / {width})::int"  # numbers of ours
    counted = dict(_grouped(within, lookup, matches, at))
    return [
        PriceBucket(first + width * place, first + width * (place + 1), counted.get(place, 0))
        for place in range(int((high - first) / width) + 1)
    ]


def _grouped(within: Within, lookup: str, matches: Fragment, by: str) -> list[tuple[Any, int]]:
    return _rows(within, lookup, matches, f'{by}, count(DISTINCT document."group")', "GROUP BY 1")


def _rows(
    within: Within, lookup: str, matches: Fragment, select: str, end: str = ""
) -> list[tuple[Any, ...]]:
    """Over (the value behind ``lookup``, the document) of every product found: one join, where
    a subquery for each product would take most of the time."""
    products = within.narrowed().order_by().filter(**{f"{lookup}__isnull": False})
    query = products.values_list("pk", lookup).query
    try:
        sql, params = query.get_compiler(using=within.using).as_sql()
    except EmptyResultSet:
        return [] if end else [(None, None)]
    with local_settings(within.using, {"jit": "off"}) as cursor:
        cursor.execute(
            f"SELECT {select} FROM ({sql}) AS valued(key, value) "  # noqa: S608 - by Django
            f"JOIN {lexical.TABLE} AS document ON document.product_id = valued.key "
            f"WHERE document.product_id IN ({matches.sql}) {end}",
            (*params, *matches.params),
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _is_json(within: Within, lookup: str) -> bool:
    """Whether values come as the text of JSON, which the driver leaves as it is."""
    model = within.products.model
    [column] = model._base_manager.values_list(lookup).query.select
    return isinstance(column.output_field, JSONField)


def round_width(width: Decimal) -> Decimal:
    """The next of 1, 2, 5, 10, 20, 50 … cents and above."""
    step = Decimal("0.01")
    while True:
        for factor in (1, 2, 5):
            if step * factor >= width:
                return step * factor
        step *= 10


def _texts(value: Any) -> list[str]:
    """A JSON list is several values, and true is ``yes``, as filters take them."""
    values = value if isinstance(value, list) else [value]
    return [text for text in (text_value([one]) for one in values) if text]
