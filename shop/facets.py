"""Filters of a search: values with counts, and the active filters."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shop.models import LEVEL, Product
from shop.templatetags.shop import money
from similarity.search import PriceBucket

MAX_VALUES = 24
CENT = Decimal("0.01")

#: The names are those of SIMILARITY["CATALOG"], shared by page, API and counts.
#: Feeds use both spellings of colour.
FACETS = {
    "category": "Category",
    "brand": "Brand",
    "colour": "Colour",
    "color": "Colour",
    "material": "Material",
}


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    count: int | None  #: None if it is not counted
    chosen: bool


@dataclass(frozen=True)
class Facet:
    name: str
    label: str
    options: Sequence[Option]

    @classmethod
    def of(cls, name: str, counts: Iterable[tuple[str, int]], chosen: Sequence[str]) -> "Facet":
        """Return the most frequent values, and the chosen values even if no product has them."""
        known = dict(list(counts)[:MAX_VALUES])
        known |= {value: 0 for value in chosen if value not in known}
        options = [
            Option(value, value_label(name, value), count, value in chosen)
            for value, count in known.items()
        ]
        return cls(name, FACETS[name], options)

    @property
    def chosen(self) -> int:
        return sum(option.chosen for option in self.options)


@dataclass(frozen=True)
class Chip:
    """An active filter, and the query string of the same list without it."""

    label: str
    query: str


def value_label(name: str, value: str) -> str:
    """Return the label; two levels of a category, because departments may share "Trousers"."""
    if name == "category":
        return " › ".join(value.split(LEVEL)[-2:])
    return value if name == "brand" else value[:1].upper() + value[1:]


def facet_counts(products: Iterable[Product], name: str) -> list[tuple[str, int]]:
    """Count loaded products: (value, products with it), the most frequent first."""
    counts = Counter(value for product in products for value in _values(product, name))
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def price_ranges(
    buckets: Sequence[PriceBucket], query: Callable[..., str], currency: str = ""
) -> list[tuple[str, str, int]]:
    """Return (label, query string, products) of each price range.

    ``query`` makes the query string of the search with other bounds.
    """
    ranges = []
    for at, bucket in enumerate(buckets):
        # The first and last ranges are open. Buckets exclude their upper bound, filters include it.
        low = bucket.low if at else None
        high = bucket.high if at < len(buckets) - 1 else None
        bounds = {"min_price": low, "max_price": high and high - CENT}
        address = query(**{name: f"{one:f}" for name, one in bounds.items() if one is not None})
        ranges.append((price_label(low, high, currency), address, bucket.count))
    return ranges if len(ranges) > 1 else []


def price_label(low: Decimal | None, high: Decimal | None, currency: str) -> str:
    """Write ``Under €20``, ``€20 to €50``, ``€50 and over``; without a currency only numbers."""
    if low is None:
        return f"Under {_amount(high, currency)}"
    if high is None:
        return f"{_amount(low, currency)} and over"
    return f"{_amount(low, currency)} to {_amount(high, currency)}"


def _amount(amount: Decimal | None, currency: str) -> str:
    """Write an amount like the shop's prices, whole numbers without cents."""
    written = money(amount or Decimal(0), currency).strip()
    return written.removesuffix(".00")


def _values(product: Product, name: str) -> list[str]:
    if name == "category":
        return [product.category.path]
    if name == "brand":
        return [product.brand.name] if product.brand else []
    value = product.attributes.get(name)
    values = value if isinstance(value, list) else [value]
    return [str(one) for one in values if one]
