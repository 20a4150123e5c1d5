"""``search``: turns a shopper's text into a page of products, related products and facets."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from django.db.models import QuerySet

from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.exceptions import QueryError
from similarity.models.stored_vectors import FloatArray
from similarity.search import facets as counting
from similarity.search import query_vectors, ranking, sorting
from similarity.search.budget import Budget
from similarity.search.page import FacetValue, Outcome, Position, PriceBucket, SearchPage
from similarity.search.ranking import MAX_DEPTH, Ranked, Ranking
from similarity.search.resolved_query import ResolvedQuery, resolve_query
from similarity.search.result_set import ResultSet
from similarity.search.words import PriceRange, QueryWords
from similarity.similar.hits import Hit, require_limit
from similarity.similar.within import Within

Facets = Sequence[str] | Mapping[str, QuerySet[Any]]


def search(
    text: str,
    limit: int = 24,
    *,
    within: QuerySet[Any] | None = None,
    unfiltered: QuerySet[Any] | None = None,
    sort: str = "relevance",
    after: str | None = None,
    facets: Facets = (),
    vector: FloatArray | Mapping[str, FloatArray] | None = None,
    hybrid: bool = True,
) -> SearchPage:
    """Return the products that match a query, best first, and related products beside them.

    ``text`` is the text a shopper typed. It may contain ``"phrases"``, ``-unwanted`` and prices
    (``under 50``); misspelt words are corrected. Hits match by a code or by words: by every word,
    or if no product holds all, by at least half of the query. Hits are products of ``within``
    (default: the adapter's ``eligible()``), at most ``limit``, with a single product for each group
    of variants. ``SearchPage.related`` holds near products that do not match.
    ``SearchPage.outcome`` gives the reason for a page without matches: no product matches, no
    product has the price, no product passes the filters, or the time was up.

    ``unfiltered``: ``within`` without the shopper's filters, if there are any. ``sort``:
    ``relevance``, ``price``, ``-price``, ``newest``; every sort order has the same products.
    ``after``: the cursor of the previous page. Pages repeat and skip no products while the
    catalogue does not change, and end after MAX_DEPTH hits. ``facets``: names of attributes and
    ``price``, whose values are counted among the matches; or name → queryset to count in instead of
    ``within``, so that a facet can ignore its own filter. ``vector``: float32 (D,), the query in
    the space of ``ProductVectors.text``, or part (``text``, ``image``) → vector; None asks
    :mod:`similarity.search.query_vectors`. If no vector arrives in time, or without ``hybrid``,
    words rank alone and no products are related by meaning.

    Raises :class:`similarity.exceptions.QueryError` for invalid arguments, and never because of the
    contents of ``text``.
    """
    started = time.perf_counter()
    budget = Budget.configured()
    adapter = get_adapter()
    _check(text, limit, sort, facets, adapter)
    position = Position.parse(after) if after else None
    room = Within(adapter.eligible() if within is None else within)
    reading = resolve_query(text, room, budget)
    wanted = hybrid and (position is None or position.hybrid)
    vectors = _vectors(reading, vector) if wanted else None
    asked = _Asked(reading, room, unfiltered, adapter, vectors, budget)
    answer = asked.answer()
    ranked = sorting.in_order(answer.ranked, sort, reading, answer.within, adapter, budget)
    shown, following = _page(ranked, position, limit)
    near = ranked.related[:limit] if following is None else ()
    hits = _hits([*shown, *near], answer.shown_within)
    counted = _Facets(facets, reading, ranked, answer.within, adapter, budget).count()
    keys = {str(one.key) for one in shown}
    return SearchPage(
        hits=[hit for hit in hits if hit.key in keys],
        total=min(ranked.total, len(ranked.found)),
        outcome=answer.outcome,
        related=[hit for hit in hits if hit.key not in keys],
        price=reading.words.price,
        without_price=_without_price(reading.words),
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


class _Answer(NamedTuple):
    """``within``: the products that may match; ``shown_within``: the products that may be shown."""

    outcome: Outcome
    ranked: Ranking
    within: Within
    shown_within: Within


@dataclass(frozen=True)
class _Asked:
    """A query, and the products it is searched in."""

    reading: ResolvedQuery
    room: Within
    unfiltered: QuerySet[Any] | None
    adapter: CatalogAdapter
    vectors: Callable[[], Mapping[str, FloatArray]] | None
    budget: Budget

    def answer(self) -> _Answer:
        """Return the matches, or the reason for an empty page and products to show instead."""
        price = self.reading.words.price
        priced = _priced(self.room, price, self.adapter)
        ranked = self._rank(priced, self.vectors)
        if ranked.found:
            return _Answer(Outcome.FOUND, ranked, priced, priced)
        for outcome, room in self._wider():
            if not self.budget.late:
                found = self._rank(room, None).found
                if found:
                    empty = Ranking(related=found, hybrid=ranked.hybrid)
                    return _Answer(outcome, empty, priced, room)
        if self.budget.late:
            nothing = Ranking(related=ranked.related, hybrid=ranked.hybrid, complete=False)
            return _Answer(Outcome.OUT_OF_TIME, nothing, priced, priced)
        if ranked.related:
            return _Answer(Outcome.RELATED, ranked, priced, priced)
        sellers = ranking.best_sellers(priced, self.adapter)
        popular = Ranking(sellers, rescued="popular", hybrid=ranked.hybrid)
        return _Answer(Outcome.NOTHING, popular, priced, priced)

    def _wider(self) -> Iterator[tuple[Outcome, Within]]:
        """Yield wider sets of products that may match, and the outcome if they do."""
        if not self.reading.query.terms:
            return
        if self.reading.words.price:
            yield Outcome.PRICED_OUT, self.room
        if self.unfiltered is not None:
            yield Outcome.FILTERED_OUT, Within(self.unfiltered)

    def _rank(
        self, within: Within, vectors: Callable[[], Mapping[str, FloatArray]] | None
    ) -> Ranking:
        return ranking.rank(self.reading, within, vectors, self.budget)


def _without_price(words: QueryWords) -> str:
    if words.price is None:
        return ""
    return " ".join([*words.words, *(f"-{word}" for word in words.excluded)])


class _Counted(NamedTuple):
    values: dict[str, Sequence[FacetValue]]
    prices: Sequence[PriceBucket]
    exact: bool


@dataclass(frozen=True)
class _Facets:
    """The requested facets, counted among the matches."""

    asked: Facets
    reading: ResolvedQuery
    ranked: Ranking
    within: Within
    adapter: CatalogAdapter
    budget: Budget

    def count(self) -> _Counted:
        """Count the facets, except those that no time was left for."""
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
    def _matches(self) -> ResultSet:
        return self.ranked.matches(self.reading.query)

    def _rooms(self) -> Iterable[tuple[Within, list[str]]]:
        """Return (products to count in, names), each queryset once, because most facets share
        it."""
        if not isinstance(self.asked, Mapping):
            return [(self.within, list(self.asked))] if self.asked else []
        rooms: dict[Any, tuple[Within, list[str]]] = {}
        for name, products in self.asked.items():
            within = _priced(Within(products), self.reading.words.price, self.adapter)
            key = (within.using, str(within.keys))
            rooms.setdefault(key, (within, []))[1].append(name)
        return rooms.values()


def _check(text: Any, limit: Any, sort: str, facets: Facets, adapter: CatalogAdapter) -> None:
    if not isinstance(text, str):
        raise QueryError(f"text is {text!r:.100}; pass the query as a string.")
    require_limit(limit)
    sorting.check(sort, adapter)
    counting.check(facets, adapter)


def _priced(within: Within, price: PriceRange | None, adapter: CatalogAdapter) -> Within:
    """Return ``within``, narrowed to the price that the query names."""
    if price is None or not adapter.has_price:
        return within
    return Within(adapter.filter_price(within.narrowed(), price.low, price.high))


def _vectors(
    reading: ResolvedQuery, given: FloatArray | Mapping[str, FloatArray] | None
) -> Callable[[], Mapping[str, FloatArray]]:
    """Request the vectors at once; the returned function waits, so that words are searched
    first."""
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
    """Load hits in a single database query; skip a product that is gone since the search."""
    products = within.load(one.key for one in shown) if shown else {}
    return [
        Hit(str(one.key), one.score, one.tier, product=products[one.key])
        for one in shown
        if one.key in products
    ]
