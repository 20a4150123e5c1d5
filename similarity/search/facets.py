"""Facets: how many found products have each value of an attribute, and a price histogram.

The found products are read once, with all counted attributes, and counted here. If they are too
many, a share (1 in 16 or 1 in 256) is read, and the counts are estimates.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

from django.db.models import QuerySet

from similarity.catalog import adapter as adapters
from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.paths import text_value
from similarity.exceptions import QueryError
from similarity.search.page import FacetValue, PriceBucket
from similarity.search.result_set import Columns, ResultSet
from similarity.similar.within import Within

PRICE = "price"
#: The most values of a facet that are shown.
MOST_VALUES = 50
MOST_FACETS = 20
BUCKETS = 6


def check(names: Iterable[str], adapter: CatalogAdapter) -> None:
    """Raise :class:`QueryError` for a facet that cannot be counted."""
    names = list(names)
    if len(names) > MOST_FACETS:
        raise QueryError(f"{len(names)} facets are asked for; {MOST_FACETS} at most.")
    for name in names:
        if not is_countable(name, adapter):
            raise QueryError(
                f"There is no facet {name!r:.100}; the catalogue has "
                f"{', '.join(adapter.filter_names()) or 'no attributes'}."
            )


def is_countable(name: str, adapter: CatalogAdapter) -> bool:
    """Return True if the database can read the values of the facet."""
    if name == PRICE:
        return adapter.has_price
    return adapter.annotate_value(adapter.model._base_manager.all(), name) is not None


def _annotate(
    products: QuerySet[Any], name: str, adapter: CatalogAdapter
) -> tuple[QuerySet[Any], str]:
    """Return ``products`` annotated with the facet's value, and the annotation's name."""
    if name == PRICE:
        return adapter.annotate_price(products), adapters.PRICE
    valued = adapter.annotate_value(products, name)
    return (products.none(), "pk") if valued is None else (valued, adapters.VALUE)


class Values:
    """Attribute → (value, groups) of the found products, read in a single database query."""

    def __init__(
        self, matches: ResultSet, within: Within, names: Sequence[str], adapter: CatalogAdapter
    ) -> None:
        #: 1 in ``share`` of the found products was counted.
        self.share = 1
        annotations = [partial(_annotate, name=name, adapter=adapter) for name in names]
        columns = Columns(adapter.model, annotations, within.using)
        rows, self.share = matches.read(columns, within)
        self._held = dict(zip(names, columns.held(rows), strict=True))

    def counts(self, name: str) -> list[FacetValue]:
        """Return values of an attribute, the most frequent first; a group of variants counts
        once."""
        groups: dict[str, set[str]] = {}
        for value, some in self._held[name]:  # few values for thousands of products
            for text in _texts(value):
                groups.setdefault(text, set()).update(some)
        counted = [FacetValue(text, self._about(len(some))) for text, some in groups.items()]
        return sorted(counted, key=lambda one: (-one.count, one.value))[:MOST_VALUES]

    def prices(self) -> list[PriceBucket]:
        """Return buckets with round edges and about equally many products; no bucket is empty."""
        priced = [
            (value if isinstance(value, Decimal) else Decimal(str(value)), groups)
            for value, groups in self._held[PRICE]
        ]
        if not priced:
            return []
        edges = round_edges([price for price, groups in priced for _ in groups], BUCKETS)
        buckets: dict[int, set[str]] = {}
        for price, groups in priced:
            at = min(bisect_right(edges, price), len(edges) - 1) - 1
            buckets.setdefault(max(at, 0), set()).update(groups)
        return [
            PriceBucket(edges[at], edges[at + 1], self._about(len(buckets[at])))
            for at in sorted(buckets)
        ]

    def _about(self, counted: int) -> int:
        """Return an estimate rounded to its two certain digits."""
        if self.share == 1:
            return counted
        number = counted * self.share
        unit = 10 ** max(len(str(number)) - 2, 0)
        return round(number / unit) * unit


def round_edges(prices: Sequence[Decimal], buckets: int) -> list[Decimal]:
    """Return two or more rising edges, from below the lowest price to above the highest.

    The inner edges are round numbers next to those that part the prices into ``buckets`` of equal
    size. An edge that would leave a bucket empty is left out.
    """
    ordered = sorted(prices)
    first, last = _round(ordered[0], ROUND_FLOOR), _round(ordered[-1], ROUND_CEILING)
    edges = [first]
    for at in range(1, buckets):
        edge = _round(ordered[len(ordered) * at // buckets], ROUND_HALF_UP)
        lower, upper = bisect_left(ordered, edges[-1]), bisect_left(ordered, edge)
        if edges[-1] < edge < last and lower < upper < len(ordered):
            edges.append(edge)
    return [*edges, last if last > edges[-1] else edges[-1] * 2 or Decimal(1)]


def _round(price: Decimal, rounding: str) -> Decimal:
    """Round to 1, 1.5, 2, 2.5 … 9.5 times a power of ten."""
    if price <= 0:
        return Decimal(0)
    unit = Decimal(10) ** price.adjusted() / 2
    return (price / unit).to_integral_value(rounding) * unit


def _texts(value: Any) -> list[str]:
    """Return a value as filters compare it: a JSON list is several values, true is ``yes``."""
    values = value if isinstance(value, list) else [value]
    return [text for text in (text_value([one]) for one in values) if text]
