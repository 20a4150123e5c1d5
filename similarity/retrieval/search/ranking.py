"""The order of everything that answers a query, to a bounded depth."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from similarity.retrieval import candidates
from similarity.retrieval.plans import VectorSearch
from similarity.retrieval.search import hybrid, lexical
from similarity.retrieval.search.lexical import LexicalQuery, Match
from similarity.retrieval.shelf import live_version
from similarity.retrieval.stored import FloatArray
from similarity.retrieval.within import Within

#: Paging ends after so many hits.
MAX_DEPTH = 1000
#: Where fewer products hold every word, those that hold some follow.
ENOUGH = 24
#: Nearest products by vector that take part.
NEIGHBOURS = 100


class Ranked(NamedTuple):
    """A product in its place. ``tier``: ``code``, ``words`` (every word), ``some_words``,
    ``text`` (by vector alone), or a tier of the fallback."""

    key: Any
    group: str
    score: float
    tier: str


@dataclass(frozen=True)
class Ranking:
    """What was found, best first, one product of each group."""

    found: list[Ranked] = field(default_factory=list)
    #: How many there are, also beyond MAX_DEPTH.
    total: int = 0
    rescued: str = ""


def by_words(query: LexicalQuery, within: Within) -> tuple[list[Ranked], int, str]:
    """(products by their words, how many in all, which rescue): those that hold every word
    first, then those that hold some where they are few."""
    every, total = lexical.best(query, within, "all", MAX_DEPTH)
    found = _tier(every, "words")
    if total >= ENOUGH or len(query.terms) < 2:
        return found, total, ""
    some, many = lexical.best(query, within, "any", MAX_DEPTH)
    more = _without(_tier(some, "some_words"), {one.group for one in found})
    return [*found, *more], max(total, many), "" if found else "some_words" if more else ""


def by_vector(vector: FloatArray, within: Within, most: int = NEIGHBOURS) -> list[Ranked]:
    """The products whose text lies nearest to the query's, by the live version."""
    version = live_version(within.using)
    if version is None or version.dimensions.get("text") != len(vector):
        return []
    search = VectorSearch(version, "text", vector, within)
    return [
        Ranked(one.key, one.group, one.score, "text")
        for one in candidates.nearest(search, most, most)[:most]
    ]


def fused(words: Sequence[Ranked], neighbours: Sequence[Ranked]) -> list[Ranked]:
    """Both lists as one, by reciprocal ranks; a product of both keeps the words' tier."""
    of_group = {one.group: one for one in [*neighbours, *words]}
    weight = hybrid.LEXICAL_WEIGHT
    rankings = [(weight, words), (1 - weight, neighbours)]
    scores = hybrid.fuse([(w, [one.group for one in ranked]) for w, ranked in rankings if ranked])
    return [of_group[group]._replace(score=score) for group, score in scores.items()]


def _tier(matches: Iterable[Match], tier: str) -> list[Ranked]:
    return [Ranked(*match, tier) for match in matches]


def _without(ranked: Iterable[Ranked], groups: set[str]) -> list[Ranked]:
    return [one for one in ranked if one.group not in groups]
