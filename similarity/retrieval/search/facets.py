"""How many of the products found have each value of an attribute, and how prices lie.

Products found are read once, with all that is counted, and counted here; where they are more
than COUNTED, one in 16 or in 256 of them is, and what is told is an estimate.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

from django.core.exceptions import FieldDoesNotExist
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.paths import text_value
from similarity.exceptions import QueryError
from similarity.models import SearchDocument
from similarity.models.search import SHARES
from similarity.models.vectors import key_type
from similarity.retrieval.search import lexical, sampling
from similarity.retrieval.search.lexical import LexicalQuery
from similarity.retrieval.search.page import FacetValue, PriceBucket
from similarity.retrieval.within import CANDIDATE, Fragment, Within, database_keys

PRICE = "price"
#: Values of a facet that are shown at most.
MOST_VALUES = 50
MOST_FACETS = 20
BUCKETS = 8
#: Products that are read to be counted, at most.
COUNTED = 3_000


class Found(NamedTuple):
    """What is counted: key → group of the products found, or of one in ``share`` of them."""

    groups: Mapping[Any, str]
    share: int = 1


@dataclass(frozen=True)
class Matches:
    """What the words match, and ``others`` found otherwise."""

    query: LexicalQuery
    mode: str
    others: Sequence[Any] = ()
    #: About how many there are, where that is known.
    many: int = 0

    def read(self, within: Within, cursor: Any) -> Found:
        """Those of ``within``; a share of them where they are more than COUNTED."""
        shares = [one for one in (1, *SHARES) if self.many <= one * COUNTED] or SHARES[-1:]
        for share in shares:
            groups = self._read(within, share, cursor)
            if len(groups) <= COUNTED:
                break
        return Found(groups, share)

    def _read(self, within: Within, share: int, cursor: Any) -> dict[Any, str]:
        kind = key_type(within.using)
        narrow = share == 1 and self.query.most(self.mode) > lexical.SCORED
        passes = sampling.among(within) if narrow else sampling.passing(within)
        conditions = []
        if wanted := self.query.tsquery(self.mode):
            conditions.append(Fragment(f"{CANDIDATE}.document @@ %s::tsquery", (wanted,)))
        if self.others:
            keys = database_keys(self.others, within.using)
            conditions.append(Fragment(f"{CANDIDATE}.product_id = ANY(%s::{kind}[])", (keys,)))
        found: dict[Any, str] = {}
        for one in conditions:
            cursor.execute(
                f'SELECT {CANDIDATE}.product_id, {CANDIDATE}."group" '  # noqa: S608
                f"FROM {lexical.TABLE} AS {CANDIDATE} WHERE {one.sql} "
                f"AND {sampling.drawn(share)} AND {passes.sql} LIMIT {COUNTED + 1}",
                (*one.params, *passes.params),
            )
            found.update(cursor.fetchall())
        return found

    def keys(self, using: str) -> Fragment:
        """``SELECT key`` of all of them, whether they pass a filter or not."""
        kind = key_type(using)
        sql = f"SELECT unnest(%s::{kind}[])"
        params: tuple[Any, ...] = (database_keys(self.others, using),)
        if text := self.query.tsquery(self.mode):
            sql += (
                f" UNION ALL SELECT product_id FROM {lexical.TABLE} WHERE document @@ %s::tsquery"  # noqa: S608
            )
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
        if not _lookup(name, adapter):
            raise QueryError(
                f"There is no facet {name!r:.100}; the catalogue has "
                f"{', '.join(adapter.filter_names()) or 'no attributes'}."
            )


def _lookup(name: str, adapter: CatalogAdapter) -> str:
    return str((adapter.price_lookup if name == PRICE else adapter.filter_lookup(name)) or "")


class Values:
    """Attribute → (value, group) of the products found; what has one value each is one query."""

    def __init__(
        self, found: Found, names: Sequence[str], using: str, adapter: CatalogAdapter
    ) -> None:
        self.share = found.share
        self._pairs: dict[str, list[tuple[Any, str]]] = {name: [] for name in names}
        lookups = {name: _lookup(name, adapter) for name in names}
        single = [name for name in names if not _is_many(adapter.model, lookups[name])]
        apart = [[name] for name in names if name not in single]
        for together in [single, *apart] if single else apart:
            rows = _rows(found, [lookups[name] for name in together], using, adapter.model)
            for key, *values in rows:
                for name, value in zip(together, values, strict=True):
                    if value is not None:
                        self._pairs[name].append((value, found.groups[key]))

    def counts(self, name: str) -> list[FacetValue]:
        """Values of an attribute, the most frequent first; of variants one counts."""
        same: dict[str, tuple[Any, set[str]]] = {}  # lists of JSON cannot be keys
        for value, group in self._pairs[name]:
            same.setdefault(repr(value), (value, set()))[1].add(group)
        groups: dict[str, set[str]] = {}
        for value, some in same.values():  # few, and they stand for thousands of products
            for text in _texts(value):
                groups.setdefault(text, set()).update(some)
        counted = [FacetValue(text, self._about(len(some))) for text, some in groups.items()]
        return sorted(counted, key=lambda one: (-one.count, one.value))[:MOST_VALUES]

    def prices(self) -> list[PriceBucket]:
        """Buckets of round and equal width from the lowest to the highest price."""
        priced = [
            (value if isinstance(value, Decimal) else Decimal(str(value)), group)
            for value, group in self._pairs[PRICE]
        ]
        if not priced:
            return []
        low, high = min(priced)[0], max(priced)[0]
        width = round_width((high - low) / BUCKETS)
        first = (low / width).to_integral_value(ROUND_FLOOR) * width
        groups: dict[int, set[str]] = {}
        for value, group in priced:
            groups.setdefault(int((value - first) / width), set()).add(group)
        return [
            PriceBucket(
                first + width * at, first + width * (at + 1), self._about(len(groups.get(at, ())))
            )
            for at in range(int((high - first) / width) + 1)
        ]

    def _about(self, counted: int) -> int:
        """Of an estimate the first two digits: it tells no more."""
        if self.share == 1:
            return counted
        number = counted * self.share
        unit = 10 ** max(len(str(number)) - 2, 0)
        return round(number / unit) * unit


def _rows(found: Found, lookups: Sequence[str], using: str, model: Any) -> Iterable[Any]:
    kind = key_type(using)
    keys = RawSQL(  # noqa: S611 - a type of the database's
        f"SELECT unnest(%s::{kind}[])", (database_keys(found.groups, using),)
    )
    products = model._base_manager.using(using).filter(pk__in=keys)
    rows: Iterable[Any] = products.values_list("pk", *lookups)
    return rows


def _is_many(model: Any, lookup: str) -> bool:
    """Whether a product may have several values there: two such would multiply the rows."""
    options = model._meta
    for name in lookup.split("__"):
        try:
            field = options.get_field(name)
        except FieldDoesNotExist:  # a key of a JSON field, or a transform
            return False
        if field.many_to_many or field.one_to_many:
            return True
        if field.is_relation and field.related_model:
            options = field.related_model._meta
    return False


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
