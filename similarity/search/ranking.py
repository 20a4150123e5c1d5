"""Ranks the products that match a query, to a bounded depth, and the related products."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from similarity.catalog.adapter import CatalogAdapter
from similarity.models.stored_vectors import FloatArray
from similarity.search import codes, hybrid, lexical
from similarity.search.budget import UNLIMITED, Budget
from similarity.search.lexical import ENOUGH, NOTHING, LexicalQuery, Match
from similarity.search.meaning import RESCORED, Meaning, Stored, meaning_of
from similarity.search.resolved_query import ResolvedQuery
from similarity.search.result_set import ResultSet
from similarity.similar import fallback
from similarity.similar.floor import floor_of
from similarity.similar.hits import Taken
from similarity.similar.within import Within

#: Paging ends after this many hits.
MAX_DEPTH = 1000
#: Best sellers shown if no product matches or is related.
BEST_SELLERS = 24
#: Tiers of products that match the whole query.
SURE = ("code", "near_code", "words")
CODES = ("code", "near_code")


class Ranked(NamedTuple):
    """A product in its place.

    ``tier``: ``code``, ``near_code`` (its code is one slip from the query, so a different code),
    ``words`` (every word), ``some_words``, ``text`` or ``image`` (by that vector alone), or a tier
    of the fallback. ``held``: the share of the query's words that it holds.
    """

    key: Any
    group: str
    score: float
    tier: str
    held: float = 1.0

    @property
    def holds_enough(self) -> bool:
        """Return True if it matches when no product holds every word."""
        return self.tier == "some_words" and lexical.is_enough(self.held)


@dataclass(frozen=True)
class Ranking:
    """A ranking with one product of each group.

    Words and codes alone decide which products match, so their number is the same with and without
    the query's vector.
    """

    #: The matches, best first, at most MAX_DEPTH.
    found: Sequence[Ranked] = field(default_factory=list)
    #: The number of matches, also beyond MAX_DEPTH.
    total: int = 0
    #: Related products that do not match, best first.
    related: Sequence[Ranked] = ()
    #: ``some_words`` if no product holds every word; ``text`` if no product matches and some are
    #: related.
    rescued: str = ""
    #: ``all``, ``two`` or ``any``: how the words had to match.
    mode: str = "all"
    #: True if the query's vector took part.
    hybrid: bool = False
    #: False if the time was up, or if so many match that only the best were ranked.
    complete: bool = True

    def matches(self, query: LexicalQuery) -> ResultSet:
        """Return all matches, as SQL."""
        by_code = [one.key for one in self.found if one.tier in CODES]
        return ResultSet(query, self.mode, by_code, self.total)

    def ranked_matches(self) -> ResultSet:
        """Return the ranked matches, as SQL."""
        return ResultSet(NOTHING, "all", [one.key for one in self.found])


class ByWords(NamedTuple):
    """Products by their words.

    ``every``: products that hold every word, ``many`` in all. ``some``: other products that hold
    some words, searched if the first are fewer than ENOUGH. ``many_of_some`` products in all hold
    enough words to match, by the ``mode`` of ``LexicalQuery.tsquery``.
    """

    every: Sequence[Ranked]
    many: int
    some: Sequence[Ranked] = ()
    many_of_some: int = 0
    mode: str = "all"

    @property
    def found(self) -> list[Ranked]:
        return [*self.every, *self.some]


class Near(NamedTuple):
    """``ranked``: products by words and by meaning, blended.

    ``alike``: groups of the products that are as near in meaning as :func:`lexical.least_cosine`
    requires.
    """

    ranked: list[Ranked]
    alike: Set[str]


def rank(
    reading: ResolvedQuery,
    within: Within,
    vectors: Callable[[], Mapping[str, FloatArray]] | None = None,
    budget: Budget = UNLIMITED,
) -> Ranking:
    """Rank codes first, then products that hold the words, by words and meaning together.

    Related products are kept apart. ``vectors`` is called after the search for words, so that a
    worker has had that time to make them.
    """
    attempt = partial(budget.attempt, within.using)
    coded = attempt(partial(codes.found, reading.words, within), codes.CodeMatches([], []))
    words = by_words(reading.query, within, budget)
    counted = not budget.late
    # "levis 501" means a product that holds all words, not another product with this code.
    by_code, code_tier = coded.whole if words.every else [*coded.whole, *coded.partial], "code"
    if not by_code and not words.every:
        nothing: tuple[list[Match], str] = ([], code_tier)
        by_code, code_tier = attempt(partial(codes.similar, reading.words, within), nothing)
    meaning = None
    # Nearness in meaning is useless for a code, and "%" has no meaning.
    wanted = reading.words.words and not (by_code and len(reading.query.terms) <= 1)
    if vectors is not None and wanted:
        with budget.paused():
            known = vectors()
        meaning = meaning_of(known, within)
    near = None
    if meaning is not None:
        near = attempt(partial(with_meaning, words.found, meaning, reading.query), near)
    return _tell_apart(_tier(by_code, code_tier), words, near, counted=counted)


def _tell_apart(
    by_code: Sequence[Ranked], words: ByWords, near: Near | None, *, counted: bool
) -> Ranking:
    """Separate the matches from related products, which hold enough words or are near in
    meaning."""
    ordered = _normal(words.found) if near is None else near.ranked
    found = _first_of_group([*by_code, *ordered])
    sure = [one for one in found if one.tier in SURE]
    matches = sure or [one for one in found if one.holds_enough]
    taken = {one.group for one in matches}
    alike = near.alike if near else ()
    related = [
        one for one in found if one.group not in taken and (one.holds_enough or one.group in alike)
    ]
    total, mode, rescued = words.many_of_some, words.mode, "some_words" if matches else ""
    if sure:
        of_words = {one.group for one in words.every}
        total = words.many + sum(one.tier in CODES and one.group not in of_words for one in sure)
        mode, rescued = "all", "near_code" if sure[0].tier == "near_code" else ""
    return Ranking(
        found=matches[:MAX_DEPTH],
        total=max(total, len(matches)) if matches else 0,
        related=related[:MAX_DEPTH],
        rescued=rescued if matches or not related else "text",
        mode=mode,
        hybrid=near is not None,
        complete=counted and len(matches) >= min(total, MAX_DEPTH),
    )


def by_words(query: LexicalQuery, within: Within, budget: Budget = UNLIMITED) -> ByWords:
    """Return products with every word, and if fewer than ENOUGH, also with two words or one."""
    every, total = lexical.best(query, within, "all", MAX_DEPTH, budget)
    found = ByWords(_tier(every, "words"), total)
    if total >= ENOUGH or len(query.terms) < 2:
        return found
    modes = ("two", "any") if query.is_broad else ("any",)
    for mode in modes:
        some, many = lexical.best(query, within, mode, MAX_DEPTH, budget)
        if len(some) >= ENOUGH:
            break
    full = {one.group for one in found.every}
    others = [one for one in _tier(some, "some_words") if one.group not in full]
    return found._replace(some=others, many_of_some=many, mode=mode)


def with_meaning(words: Sequence[Ranked], meaning: Meaning, query: LexicalQuery) -> Near:
    """Blend products by words and by meaning; a product of both keeps the words' tier.

    Products by meaning alone take part if they are at least as near as the floor of the part.
    """
    neighbours = {
        part: [
            one
            for one in _tier(meaning.neighbours(part, query), part, held=0.0)
            if one.score >= meaning.floor(part)
        ]
        for part in meaning.vectors
    }
    others = [one for found in neighbours.values() for one in found]
    # The product found by words represents its group, else the nearest by text.
    of_group = {one.group: one for one in [*reversed(others), *words]}
    # For a product near by one vector, the other vector's cosine is still unknown.
    asked = [*words[:RESCORED], *(others if len(neighbours) > 1 else ())]
    stored = meaning.stored([one.key for one in asked])
    near = {}
    for part, found in neighbours.items():
        cosines = stored.cosines[part]
        near[part] = {one.group: cosines[one.key] for one in asked if one.key in cosines}
        for one in found:
            near[part][one.group] = max(one.score, near[part].get(one.group, -1.0))
    scores = hybrid.blend({one.group: one.score for one in words}, hybrid.meant(near))
    lenient = _lenient(words, meaning, stored)
    alike = {
        group
        for part, cosines in near.items()
        for group, cosine in cosines.items()
        if cosine >= lexical.least_cosine(meaning.floor(part), lenient.get(group, 0.0))
    }
    return Near([of_group[group]._replace(score=score) for group, score in scores.items()], alike)


def _lenient(words: Sequence[Ranked], meaning: Meaning, stored: Stored) -> dict[str, float]:
    """Return group → share of the query's words, of products that may be less near because of it.

    If some products hold every word, only products of categories close to theirs count: "bag" alone
    does not relate a handbag to a sleeping bag.
    """
    floor = floor_of(meaning.version)
    categories = stored.categories
    own = {categories[one.key] for one in words if one.tier in SURE and one.key in categories}
    close = {
        category: not own or any(floor.is_close(one, category) for one in own)
        for category in {0, *categories.values()}
    }
    return {one.group: one.held for one in words if close[categories.get(one.key, 0)]}


def best_sellers(within: Within, adapter: CatalogAdapter, most: int = BEST_SELLERS) -> list[Ranked]:
    """Return best sellers, or the newest products; their tier marks them as no match."""
    found: list[Ranked] = []
    taken = Taken()
    for tier, products in fallback.tiers(None, within, adapter):
        short = most - len(found)
        if short and tier != "category":
            added = fallback.fill(products, short, taken, adapter, tier=tier, step=0)
            taken.add(added)
            found += [Ranked(one.key, one.group, 0.0, one.tier) for one in added]
    return found


def _normal(words: Sequence[Ranked]) -> list[Ranked]:
    """Return the products with scores scaled to 0–1."""
    best = max((one.score for one in words), default=1.0) or 1.0
    return [one._replace(score=one.score / best) for one in words]


def _tier(matches: Iterable[Match], tier: str, held: float | None = None) -> list[Ranked]:
    return [
        Ranked(one.key, one.group, one.score, tier, one.held if held is None else held)
        for one in matches
    ]


def _first_of_group(ranked: Iterable[Ranked]) -> list[Ranked]:
    first: dict[str, Ranked] = {}
    for one in ranked:
        first.setdefault(one.group, one)
    return list(first.values())
