"""What answers a query, best first and to a bounded depth, and what is near to it but no answer."""

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

#: Paging ends after so many hits.
MAX_DEPTH = 1000
#: Best sellers shown where nothing answers.
BEST_SELLERS = 24
#: Tiers of products that hold all that was asked for.
SURE = ("code", "near_code", "words")
CODES = ("code", "near_code")


class Ranked(NamedTuple):
    """A product in its place. ``tier``: ``code``, ``near_code`` (its code is one slip from the
    query and so another), ``words`` (every word), ``some_words``, ``text`` or ``image`` (by that
    vector alone), or a tier of the fallback. ``held``: the share of the query's words that it
    holds."""

    key: Any
    group: str
    score: float
    tier: str
    held: float = 1.0

    @property
    def holds_enough(self) -> bool:
        """Whether it is a match where no product holds every word."""
        return self.tier == "some_words" and lexical.is_enough(self.held)


@dataclass(frozen=True)
class Ranking:
    """One product of each group. Words and codes alone decide what matches, and so how many:
    that is the same with and without the query's vector."""

    #: What matches, best first, MAX_DEPTH at most.
    found: Sequence[Ranked] = field(default_factory=list)
    #: How many match, also beyond MAX_DEPTH.
    total: int = 0
    #: What is near and no match, best first.
    related: Sequence[Ranked] = ()
    #: ``some_words`` where no product holds every word; ``text`` where none matches and some are
    #: related.
    rescued: str = ""
    #: ``all``, ``two`` or ``any``: how the words had to match.
    mode: str = "all"
    #: Whether the query's vector took part.
    hybrid: bool = False
    #: False where the time was up, or where so many match that only the best were ranked.
    complete: bool = True

    def matches(self, query: LexicalQuery) -> ResultSet:
        """All that match, as SQL."""
        by_code = [one.key for one in self.found if one.tier in CODES]
        return ResultSet(query, self.mode, by_code, self.total)

    def ranked_matches(self) -> ResultSet:
        """Those of them that were ranked."""
        return ResultSet(NOTHING, "all", [one.key for one in self.found])


class ByWords(NamedTuple):
    """``every``: products that hold every word, ``many`` in all. ``some``: others that hold some,
    looked for where those are fewer than ENOUGH; ``many_of_some`` in all hold enough of them
    to match, by the ``mode`` of ``LexicalQuery.tsquery``."""

    every: Sequence[Ranked]
    many: int
    some: Sequence[Ranked] = ()
    many_of_some: int = 0
    mode: str = "all"

    @property
    def found(self) -> list[Ranked]:
        return [*self.every, *self.some]


class Near(NamedTuple):
    """``ranked``: products by words and by meaning, blended; ``alike``: groups of those that are
    as near in meaning as :func:`lexical.least_cosine` asks."""

    ranked: list[Ranked]
    alike: Set[str]


def rank(
    reading: ResolvedQuery,
    within: Within,
    vectors: Callable[[], Mapping[str, FloatArray]] | None = None,
    budget: Budget = UNLIMITED,
) -> Ranking:
    """Codes first, then what holds the words, ordered by words and meaning as one; apart from
    them what is near.

    ``vectors`` is called once the words have been searched for, so that a worker has had that
    time to make them.
    """
    attempt = partial(budget.attempt, within.using)
    coded = attempt(partial(codes.found, reading.words, within), codes.CodeMatches([], []))
    words = by_words(reading.query, within, budget)
    counted = not budget.late
    # "levis 501": a product that holds all words is meant, and not another one with this code.
    by_code, code_tier = coded.whole if words.every else [*coded.whole, *coded.partial], "code"
    if not by_code and not words.every:
        nothing: tuple[list[Match], str] = ([], code_tier)
        by_code, code_tier = attempt(partial(codes.similar, reading.words, within), nothing)
    meaning = None
    # What lies near to a code in meaning has nothing to do with it, and "%" has no meaning.
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
    """What matches, and what is related: it holds enough of the words, or is near in meaning."""
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
    """Products by their words: those that hold every one, and where they are fewer than ENOUGH
    those that hold two or one."""
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
    """Products by words and by meaning, blended; one of both keeps the words' tier. By meaning
    alone those come in that are at least as near as the floor of the part."""
    neighbours = {
        part: [
            one
            for one in _tier(meaning.neighbours(part, query), part, held=0.0)
            if one.score >= meaning.floor(part)
        ]
        for part in meaning.vectors
    }
    others = [one for found in neighbours.values() for one in found]
    # The words' own product stands for its group, else the nearest by text.
    of_group = {one.group: one for one in [*reversed(others), *words]}
    # Of a product near by one vector the other one's cosine is not known yet.
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
    """Group → share of the query's words, of products that need not be as near for holding it.

    Where some products hold every word, only those of categories close to theirs: "bag" alone
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
    """Best sellers, or the newest products: by their tier no answer to the query."""
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
    """With scores from 0 to 1."""
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
