"""``search``: a shopper's words in, a page of products out."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from django.db.models import QuerySet

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.exceptions import QueryError
from similarity.retrieval import query_vectors
from similarity.retrieval.hits import Hit
from similarity.retrieval.search import facets as counting
from similarity.retrieval.search import ranking, sorting
from similarity.retrieval.search.budget import Budget
from similarity.retrieval.search.matches import Matches
from similarity.retrieval.search.page import FacetValue, Position, PriceBucket, SearchPage
from similarity.retrieval.search.ranking import MAX_DEPTH, Ranked, Ranking
from similarity.retrieval.search.reading import Reading, read
from similarity.retrieval.search.words import PriceRange
from similarity.retrieval.stored import FloatArray
from similarity.retrieval.within import Within

Facets = Sequence[str] | Mapping[str, QuerySet[Any]]


def search(
    text: str,
    limit: int = 24,
    *,
    within: QuerySet[Any] | None = None,
    sort: str = "relevance",
    after: str | None = None,
    facets: Facets = (),
    vector: FloatArray | Mapping[str, FloatArray] | None = None,
    hybrid: bool = True,
) -> SearchPage:
    """Products that answer a query, best first: by code, by words and by meaning.

    ``text`` is what a shopper typed; ``"phrases"``, ``-unwanted`` and prices (``under 50``)
    are understood, misspelt words put right. Hits are products of ``within`` (default: the
    adapter's ``eligible()``), one for each group of variants, ``limit`` of them wherever so
    many match. Where none holds every word, those that hold some come, then those alike in
    meaning, then best sellers, and ``SearchPage.rescued`` and the tiers of the hits say so.

    ``sort``: ``relevance``, ``price``, ``-price``, ``newest``. ``after``: the cursor of the
    page before; pages repeat and skip nothing while the catalogue stands still, and end after
    MAX_DEPTH hits. ``facets``: names of attributes, and ``price``, whose values are counted
    among the products found; or name → queryset to count in instead of ``within``, which
    leaves out the filter of the facet itself. ``vector``: float32 (D,), the query's in the
    space of ``ProductVectors.text``, or part (``text``, ``image``) → vector; None asks
    :mod:`similarity.retrieval.query_vectors`, and where there is none in time, or without
    ``hybrid``, words rank alone.

    Raises :class:`similarity.exceptions.QueryError` for arguments it cannot serve, and
    never for what ``text`` says.
    """
    started = time.perf_counter()
    budget = Budget.configured()
    adapter = get_adapter()
    _check(text, limit, sort, facets, adapter)
    position = Position.parse(after) if after else None
    room = Within(adapter.eligible() if within is None else within)
    reading = read(text, room, budget)
    room = _priced(room, reading.words.price, adapter)
    wanted = hybrid and (position is None or position.hybrid)
    vectors = _vectors(reading, vector) if wanted else None
    ranked = ranking.rank(reading, room, adapter, vectors, budget)
    ranked = sorting.in_order(ranked, sort, reading, room, adapter, budget)
    shown, following = _page(ranked, position, limit)
    counted = _Facets(facets, reading, ranked, room, adapter, budget).count()
    return SearchPage(
        hits=_hits(shown, room),
        total=min(ranked.total, len(ranked.found)),
        total_is_exact=ranked.complete and ranked.total <= MAX_DEPTH,
        facets=counted.values,
        prices=counted.prices,
        facets_are_exact=counted.exact,
        did_you_mean=reading.did_you_mean,
        corrected=bool(reading.did_you_mean),
        rescued=ranked.rescued,
        next=following,
        hybrid=ranked.hybrid,
        took_ms=(time.perf_counter() - started) * 1000,
    )


class _Counted(NamedTuple):
    values: dict[str, Sequence[FacetValue]]
    prices: Sequence[PriceBucket]
    exact: bool


@dataclass(frozen=True)
class _Facets:
    """What was asked to be counted, counted where something was found."""

    asked: Facets
    reading: Reading
    ranked: Ranking
    within: Within
    adapter: CatalogAdapter
    budget: Budget

    def count(self) -> _Counted:
        """Without those that no time was left for."""
        counted: dict[str, counting.Values] = {}
        for within, names in self._rooms() if self.ranked.total else ():
            read = partial(counting.Values, self._matches, within, names, self.adapter)
            values = self.budget.attempt(within.using, read, None)
            counted |= dict.fromkeys(names, values) if values else {}
        expected = self.asked if self.ranked.total else ()
        prices = counted.pop(counting.PRICE, None)
        return _Counted(
            {name: counted[name].counts(name) for name in expected if name in counted},
            prices.prices() if prices else (),
            len(counted) + bool(prices) == len(expected)
            and all(one.share == 1 for one in [*counted.values(), *filter(None, [prices])]),
        )

    @property
    def _matches(self) -> Matches:
        tiers = ("code", "near_code", "text", "image")
        others = [one.key for one in self.ranked.found if one.tier in tiers]
        return Matches(self.reading.query, self.ranked.mode, others, self.ranked.total)

    def _rooms(self) -> Iterable[tuple[Within, list[str]]]:
        """(where to count, names), each queryset once: most leave out no filter that is set."""
        if not isinstance(self.asked, Mapping):
            return [(self.within, list(self.asked))] if self.asked else []
        rooms: dict[Any, tuple[Within, list[str]]] = {}
        for name, products in self.asked.items():
            within = _priced(Within(products), self.reading.words.price, self.adapter)
            key = (within.using, str(within.keys))
            rooms.setdefault(key, (within, []))[1].append(name)
        return rooms.values()


def _check(text: Any, limit: Any, sort: str, facets: Facets, adapter: CatalogAdapter) -> None:
    most = conf.get("MAX_LIMIT")
    if not isinstance(text, str):
        raise QueryError(f"text is {text!r:.100}; pass the query as a string.")
    whole = isinstance(limit, int) and not isinstance(limit, bool)
    if not whole or not 1 <= limit <= most:
        raise QueryError(
            f"limit is {limit!r:.100}; pass a whole number from 1 to {most} "
            "(SIMILARITY['MAX_LIMIT'])."
        )
    sorting.check(sort, adapter)
    counting.check(facets, adapter)


def _priced(within: Within, price: PriceRange | None, adapter: CatalogAdapter) -> Within:
    """Also within what the query says of the price."""
    if price is None or not adapter.has_price:
        return within
    return Within(adapter.filter_price(within.narrowed(), price.low, price.high))


def _vectors(
    reading: Reading, given: FloatArray | Mapping[str, FloatArray] | None
) -> Callable[[], Mapping[str, FloatArray]]:
    """Asked for at once, waited for when it is needed: meanwhile the words are searched for."""
    if given is None:
        return query_vectors.begin(reading.text).wait_parts
    parts = given if isinstance(given, Mapping) else {"text": given}
    return lambda: parts


def _page(
    ranked: Ranking, position: Position | None, limit: int
) -> tuple[Sequence[Ranked], str | None]:
    start = position.following([one.key for one in ranked.found]) if position else 0
    shown = ranked.found[start : start + limit]
    end = start + len(shown)
    if not shown or end >= len(ranked.found) or not ranked.total:
        return shown, None
    return shown, Position(shown[-1].key, end, ranked.hybrid).token


def _hits(shown: Sequence[Ranked], within: Within) -> list[Hit]:
    """One query; a product that went since it was found is left out."""
    products = within.load(one.key for one in shown) if shown else {}
    return [
        Hit(str(one.key), one.score, one.tier, product=products[one.key])
        for one in shown
        if one.key in products
    ]
