"""The order of everything that answers a query, to a bounded depth."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connections

from similarity.catalog.adapter import CatalogAdapter
from similarity.retrieval import candidates, fallback
from similarity.retrieval.found import Taken
from similarity.retrieval.plans import VectorSearch
from similarity.retrieval.search import codes, hybrid, lexical
from similarity.retrieval.search.lexical import LexicalQuery, Match
from similarity.retrieval.search.reading import Reading
from similarity.retrieval.shelf import live_version
from similarity.retrieval.stored import FloatArray
from similarity.retrieval.within import Within, database_keys, key_field

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

    found: Sequence[Ranked] = field(default_factory=list)
    #: How many there are, also beyond MAX_DEPTH; 0 where nothing answers the query.
    total: int = 0
    rescued: str = ""
    #: ``all`` or ``any``: how the words had to match.
    mode: str = "all"
    #: Whether the query's vector took part.
    hybrid: bool = False


def rank(
    reading: Reading,
    within: Within,
    adapter: CatalogAdapter,
    vector: Callable[[], FloatArray | None] | None = None,
) -> Ranking:
    """Codes first, then words and vector as one, then what rescues an empty answer.

    ``vector`` is called once the words have been searched for, so that a worker has had that
    time to make it.
    """
    exact = _tier(codes.exact(reading.words, within), "code")
    by_code = exact or _tier(codes.beginning(reading.words, within), "code")
    words, total, mode = by_words(reading.query, within)
    if not by_code and not any(one.tier == "words" for one in words):
        by_code = _tier(codes.similar(reading.words, within), "code")
    is_code = bool(by_code) and len(reading.query.terms) <= 1
    neighbours: Sequence[Ranked] = ()
    if vector is not None and not is_code:
        neighbours = _allowed(by_vector(vector(), within), reading.query, within)
    found = _first_of_group([*by_code, *fused(words, neighbours)])
    if not found:
        return rescue(within, adapter)
    more = len(found) - len(_first_of_group(words))
    rescued = ""
    if not by_code and not any(one.tier == "words" for one in found):
        rescued = "some_words" if words else "text"
    return Ranking(found[:MAX_DEPTH], total + more, rescued, mode, bool(neighbours))


def by_words(query: LexicalQuery, within: Within) -> tuple[list[Ranked], int, str]:
    """(products by their words, how many in all, ``all`` or ``any``): those that hold every
    word first, then those that hold some where they are few."""
    every, total = lexical.best(query, within, "all", MAX_DEPTH)
    found = _tier(every, "words")
    if total >= ENOUGH or len(query.terms) < 2:
        return found, total, "all"
    some, many = lexical.best(query, within, "any", MAX_DEPTH)
    full = {one.group for one in found}
    merged = [*found, *(one for one in _tier(some, "some_words") if one.group not in full)]
    return merged, max(total, many), "any"


def by_vector(vector: FloatArray | None, within: Within, most: int = NEIGHBOURS) -> list[Ranked]:
    """The products whose text lies nearest to the query's, by the live version."""
    version = live_version(within.using) if vector is not None else None
    if vector is None or version is None or version.dimensions.get("text") != len(vector):
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


def rescue(within: Within, adapter: CatalogAdapter, most: int = ENOUGH) -> Ranking:
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


def _allowed(found: Sequence[Ranked], query: LexicalQuery, within: Within) -> Sequence[Ranked]:
    """Neighbours too must hold the phrases and none of the words left out."""
    condition = query.restriction
    if not condition or not found:
        return found
    kind = key_field().db_type(connections[within.using])
    keys = database_keys((one.key for one in found), within.using)
    with connections[within.using].cursor() as cursor:
        cursor.execute(
            f"SELECT product_id FROM {lexical.TABLE} "  # noqa: S608 - constants
            f"WHERE product_id = ANY(%s::{kind}[]) AND document @@ %s::tsquery",
            [keys, condition],
        )
        passing = {key for (key,) in cursor.fetchall()}
    return [one for one in found if one.key in passing]


def _tier(matches: Iterable[Match], tier: str) -> list[Ranked]:
    return [Ranked(*match, tier) for match in matches]


def _first_of_group(ranked: Iterable[Ranked]) -> list[Ranked]:
    first: dict[str, Ranked] = {}
    for one in ranked:
        first.setdefault(one.group, one)
    return list(first.values())
