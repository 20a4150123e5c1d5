"""The order of everything that answers a query, to a bounded depth."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from similarity.catalog.adapter import CatalogAdapter
from similarity.retrieval import fallback
from similarity.retrieval.found import Taken
from similarity.retrieval.search import codes, hybrid, lexical
from similarity.retrieval.search.budget import UNLIMITED, Budget
from similarity.retrieval.search.lexical import ENOUGH, LexicalQuery, Match
from similarity.retrieval.search.meaning import RESCORED, Meaning, meaning_of
from similarity.retrieval.search.reading import Reading
from similarity.retrieval.stored import FloatArray
from similarity.retrieval.within import Within

#: Paging ends after so many hits.
MAX_DEPTH = 1000
#: Best sellers shown where nothing answers.
BEST_SELLERS = 24


class Ranked(NamedTuple):
    """A product in its place. ``tier``: ``code``, ``near_code`` (its code is one slip from the
    query and so another), ``words`` (every word), ``some_words``,
    ``text`` or ``image`` (by that vector alone), or a tier of the fallback."""

    key: Any
    group: str
    score: float
    tier: str


@dataclass(frozen=True)
class Ranking:
    """What was found, best first, one product of each group."""

    found: Sequence[Ranked] = field(default_factory=list)
    #: How many there are, also beyond MAX_DEPTH; 0 where nothing answers the query.
    total: int = 0
    rescued: str = ""
    #: ``all``, ``two`` or ``any``: how the words had to match.
    mode: str = "all"
    #: Whether the query's vector took part.
    hybrid: bool = False
    #: False where the time was up, or where so many match that only the best were ranked.
    complete: bool = True


def rank(
    reading: Reading,
    within: Within,
    adapter: CatalogAdapter,
    vectors: Callable[[], Mapping[str, FloatArray]] | None = None,
    budget: Budget = UNLIMITED,
) -> Ranking:
    """Codes first, then words and meaning as one, then what rescues an empty answer.

    ``vectors`` is called once the words have been searched for, so that a worker has had that
    time to make them.
    """
    attempt = partial(budget.attempt, within.using)
    coded = attempt(partial(codes.found, reading.words, within), codes.Found([], []))
    words, total, mode = by_words(reading.query, within, budget)
    # "levis 501": a product that holds all words is meant, and not another one with this code.
    every = any(one.tier == "words" for one in words)
    by_code, code_tier = coded.whole if every else [*coded.whole, *coded.partial], "code"
    if not by_code and not every:
        nothing: tuple[list[Match], str] = ([], code_tier)
        by_code, code_tier = attempt(partial(codes.similar, reading.words, within), nothing)
    meaning = None
    # What lies near to a code in meaning has nothing to do with it.
    if vectors is not None and not (by_code and len(reading.query.terms) <= 1):
        with budget.paused():
            known = vectors()
        meaning = meaning_of(known, within)
    near = None
    if meaning is not None:
        near = attempt(partial(with_meaning, words, meaning, reading.query), near)
    blended = _normal(words) if near is None else near
    found = _first_of_group([*_tier(by_code, code_tier), *blended])
    if not found:
        return replace(rescue(within, adapter), complete=not budget.late)
    rescued = "near_code" if by_code and code_tier == "near_code" else ""
    if not by_code and not any(one.tier == "words" for one in found):
        rescued = "some_words" if words else "text"
    total += len(found) - len(words)
    complete = not budget.late and len(found) >= min(total, MAX_DEPTH)
    return Ranking(found[:MAX_DEPTH], total, rescued, mode, near is not None, complete)


def by_words(
    query: LexicalQuery, within: Within, budget: Budget = UNLIMITED
) -> tuple[list[Ranked], int, str]:
    """(products by their words, how many in all, the mode of ``LexicalQuery.tsquery``): those
    that hold every word first, then, where they are fewer than ENOUGH, those that hold two or
    one."""
    every, total = lexical.best(query, within, "all", MAX_DEPTH, budget)
    found = _tier(every, "words")
    if total >= ENOUGH or len(query.terms) < 2:
        return found, total, "all"
    modes = ("two", "any") if query.is_broad else ("any",)
    for mode in modes:
        some, many = lexical.best(query, within, mode, MAX_DEPTH, budget)
        if many >= ENOUGH:
            break
    full = {one.group for one in found}
    merged = [*found, *(one for one in _tier(some, "some_words") if one.group not in full)]
    return merged, max(total, many), mode


def with_meaning(words: Sequence[Ranked], meaning: Meaning, query: LexicalQuery) -> list[Ranked]:
    """Products by words and by meaning, blended; one of both keeps the words' tier."""
    neighbours = {part: _tier(meaning.neighbours(part, query), part) for part in meaning.vectors}
    others = [one for found in neighbours.values() for one in found]
    # The words' own product stands for its group, else the nearest by text.
    of_group = {one.group: one for one in [*reversed(others), *words]}
    # Of a product near by one vector the other one's cosine is not known yet.
    asked = [*words[:RESCORED], *(others if len(neighbours) > 1 else ())]
    stored = meaning.cosines([one.key for one in asked])
    near = {}
    for part, found in neighbours.items():
        near[part] = {one.group: stored[part][one.key] for one in asked if one.key in stored[part]}
        for one in found:
            near[part][one.group] = max(one.score, near[part].get(one.group, -1.0))
    scores = hybrid.blend({one.group: one.score for one in words}, hybrid.meant(near))
    return [_scored(of_group[group], score) for group, score in scores.items()]


def rescue(within: Within, adapter: CatalogAdapter, most: int = BEST_SELLERS) -> Ranking:
    """Best sellers, or the newest products: by their tier no answer to the query."""
    found: list[Ranked] = []
    taken = Taken()
    for tier, products in fallback.tiers(None, within, adapter):
        short = most - len(found)
        if short and tier != "category":
            added = fallback.fill(products, short, taken, adapter, tier=tier, step=0)
            taken.add(added)
            found += [Ranked(one.key, one.group, 0.0, one.tier) for one in added]
    return Ranking(found, 0, "popular")


def _normal(words: Sequence[Ranked]) -> list[Ranked]:
    """With scores from 0 to 1."""
    best = max((one.score for one in words), default=1.0) or 1.0
    return [_scored(one, one.score / best) for one in words]


def _scored(one: Ranked, score: float) -> Ranked:
    return Ranked(one.key, one.group, score, one.tier)


def _tier(matches: Iterable[Match], tier: str) -> list[Ranked]:
    return [Ranked(*match, tier) for match in matches]


def _first_of_group(ranked: Iterable[Ranked]) -> list[Ranked]:
    first: dict[str, Ranked] = {}
    for one in ranked:
        first.setdefault(one.group, one)
    return list(first.values())
