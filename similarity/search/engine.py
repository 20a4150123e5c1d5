"""``search``: a shopper's words in, a page of products out, and what stands beside them."""

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
    """Return the products that match a query, best first, and what is near to it beside them.

    ``text`` is what a shopper typed; ``"phrases"``, ``-unwanted`` and prices (``under 50``)
    are understood, misspelt words put right. Hits match by a code or by words: every word, or
    where no product holds all, at least half of the query. They are products of ``within``
    (default: the adapter's ``eligible()``), one for each group of variants, ``limit`` of them
    wherever so many match. ``SearchPage.related`` holds what is near and no match, and
    ``SearchPage.outcome`` tells apart why there is no match: nothing answers, none has the
    price, none passes the filters, or the time was up.

    ``unfiltered``: ``within`` without the filters that the shopper chose, where some are.
    ``sort``: ``relevance``, ``price``, ``-price``, ``newest``; the products are the same in
    each. ``after``: the cursor of the page before; pages repeat and skip nothing while the
    catalogue stands still, and end after MAX_DEPTH hits. ``facets``: names of attributes, and
    ``price``, whose values are counted among the matches; or name → queryset to count in
    instead of ``within``, which leaves out the filter of the facet itself. ``vector``: float32
    (D,), the query's in the space of ``ProductVectors.text``, or part (``text``, ``image``) →
    vector; None asks :mod:`similarity.search.query_vectors`. Where there is none in time, or
    without ``hybrid``, words rank alone and nothing is related by meaning.

    Raises :class:`similarity.exceptions.QueryError` for arguments it cannot serve, and
    never for what ``text`` says.
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
    """``within``: where matches lie; ``shown_within``: where all that is shown does."""

    outcome: Outcome
    ranked: Ranking
    within: Within
    shown_within: Within


@dataclass(frozen=True)
class _Asked:
    """A query, and where it is looked for."""

    reading: ResolvedQuery
    room: Within
    unfiltered: QuerySet[Any] | None
    adapter: CatalogAdapter
    vectors: Callable[[], Mapping[str, FloatArray]] | None
    budget: Budget

    def answer(self) -> _Answer:
        """What matches; else why nothing does, and what can be shown instead."""
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
        """Where else a match may lie, and what it means if it does."""
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
    """What was asked to be counted, counted where something was found."""

    asked: Facets
    reading: ResolvedQuery
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
    def _matches(self) -> ResultSet:
        return self.ranked.matches(self.reading.query)

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
    if not isinstance(text, str):
        raise QueryError(f"text is {text!r:.100}; pass the query as a string.")
    require_limit(limit)
    sorting.check(sort, adapter)
    counting.check(facets, adapter)


def _priced(within: Within, price: PriceRange | None, adapter: CatalogAdapter) -> Within:
    """Also within what the query says of the price."""
    if price is None or not adapter.has_price:
        return within
    return Within(adapter.filter_price(within.narrowed(), price.low, price.high))


def _vectors(
    reading: ResolvedQuery, given: FloatArray | Mapping[str, FloatArray] | None
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
