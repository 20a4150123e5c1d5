"""Tiers of vectors: by the request's weights, by the fused vector, by a part alone."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from similarity.models import EncoderVersion
from similarity.models.stored_vectors import StoredVectors, read_vectors
from similarity.parts import PARTS, TABLE
from similarity.similar import candidates
from similarity.similar.floor import Heights, floor_of
from similarity.similar.hits import Candidate, Query, Taken
from similarity.similar.plans import VectorSearch
from similarity.similar.scoring import maximal_marginal_relevance, moved, rescore
from similarity.similar.within import Within

#: Fused candidates that are re-scored with a request's own weights.
RESCORED = 500
#: Distance of weights from which the fused vector's neighbours alone are not enough.
FAR_WEIGHTS = 0.25
#: Candidates per wanted hit from which diversity chooses.
DIVERSITY_POOL = 5
#: Most candidates examined for hits above the floor, and the growth of each further attempt.
LOOKED_THROUGH = 500
DEEPER = 4
#: The order in which stored vectors replace one another.
FALLBACK_COLUMNS = ("fused", *sorted(PARTS, key=lambda part: TABLE[part].stands_in))


@dataclass(frozen=True)
class Source:
    """The product for which hits are searched, with its vectors in the live version."""

    version: EncoderVersion
    stored: StoredVectors


@dataclass(frozen=True)
class VectorTier:
    """A tier; ``weights`` (part → weight) explain its hits."""

    name: str
    weights: dict[str, float]
    find: Callable[[int, Taken], list[Candidate]]


def vector_tiers(source: Source, query: Query, within: Within) -> list[VectorTier]:
    """Return the tier the query asks for, then tiers that can replace it.

    If shelves have a floor, no tier replaces the fused vector, because products it did not find
    are too far away.
    """
    tiers = []
    if query.weights and any(
        weight > 0 and source.stored.has(part) for part, weight in query.weights.items()
    ):
        tiers.append(_weighted_tier(source, query, within))
    order = [query.mode, *(column for column in FALLBACK_COLUMNS if column != query.mode)]
    if _has_floor(source, query) and source.stored.has("fused"):
        order = list(dict.fromkeys([query.mode, "fused"]))
    tiers += [
        _column_tier(source, query, within, column) for column in order if source.stored.has(column)
    ]
    return tiers


def search_by(source: Source, query: Query, within: Within, column: str) -> VectorSearch:
    vector = source.stored.vectors[column]
    assert vector is not None  # noqa: S101 - callers ask has() first
    return VectorSearch(
        version=source.version,
        column=column,
        vector=vector,
        within=within,
        metric=query.metric,
        source=source.stored.key,
    )


def diverse(
    found: list[Candidate], wanted: int, diversity: float, version: EncoderVersion, using: str
) -> list[Candidate]:
    """Return ``wanted`` of the candidates, chosen by MMR over their fused vectors."""
    if not diversity or len(found) < 2:
        return found[:wanted]
    stored = read_vectors(version, [candidate.key for candidate in found], ("fused",), using)
    # A product deleted since it was found is left out.
    found = [candidate for candidate in found if candidate.key in stored]
    if not found:
        return []
    vectors = np.stack(
        [
            vector / max(float(np.linalg.norm(vector)), 1e-12)
            for candidate in found
            if (vector := stored[candidate.key].vectors["fused"]) is not None  # for mypy
        ]
    )
    scores = [candidate.score for candidate in found]
    return [found[at] for at in maximal_marginal_relevance(scores, vectors, diversity, wanted)]


def near_enough(
    search: VectorSearch,
    wanted: int,
    pool: int,
    categories: Collection[int],
    heights: Heights | None,
) -> list[Candidate]:
    """Return at least ``wanted`` candidates above the floor if there are so many, best first.

    ``categories`` are the numbers of the shelf's own categories. Because candidates of other
    departments may come between, up to ``LOOKED_THROUGH`` candidates are examined.
    """
    if heights is None:
        return candidates.nearest(search, wanted, pool)
    floor = floor_of(search.version)
    asked = wanted
    while True:
        rows = candidates.rows(search, asked, max(pool, asked))
        found = candidates.one_per_group(rows)
        kept = [one for one in found if floor.admits(categories, one, heights)]
        every = len(rows) < candidates.row_count(asked, pool)
        below = not found or found[-1].score < heights.inside
        if len(kept) >= wanted or every or below or asked >= LOOKED_THROUGH:
            return kept
        asked = min(DEEPER * asked, LOOKED_THROUGH)


def _has_floor(source: Source, query: Query) -> bool:
    return not query.fill and floor_of(source.version).is_learned


def _heights(source: Source, query: Query, weights: Mapping[str, float]) -> Heights | None:
    if not _has_floor(source, query):
        return None
    return floor_of(source.version).heights(weights, query.metric)


def _column_tier(source: Source, query: Query, within: Within, column: str) -> VectorTier:
    search = search_by(source, query, within, column)
    heights = _heights(source, query, {column: 1.0})
    # A floor for a part alone has no departments.
    categories = [source.stored.category if column == "fused" else 0]

    def find(wanted: int, taken: Taken) -> list[Candidate]:
        pool = DIVERSITY_POOL * wanted if query.diversity else wanted
        found = near_enough(_without(search, taken), wanted, pool, categories, heights)
        return diverse(found[:pool], wanted, query.diversity, source.version, within.using)

    weights = dict(source.version.weights) if column == "fused" else {column: 1.0}
    return VectorTier(column, weights, find)


def _weighted_tier(source: Source, query: Query, within: Within) -> VectorTier:
    weights = dict(query.weights or {})
    floor, heights = floor_of(source.version), _heights(source, query, weights)

    def find(wanted: int, taken: Taken) -> list[Candidate]:
        pool = max(RESCORED, DIVERSITY_POOL * wanted)
        keys: dict[Any, None] = {}
        for column in _pools(source, weights):
            search = _without(search_by(source, query, within, column), taken)
            keys.update(dict.fromkeys(row.key for row in candidates.rows(search, wanted, pool)))
        others = list(read_vectors(source.version, keys, PARTS, within.using).values())
        found = best_of_group(others, rescore(query.metric, weights, source.stored, others))
        if heights is not None:
            own = [source.stored.category]
            found = [one for one in found if floor.admits(own, one, heights)]
        found = found[: DIVERSITY_POOL * wanted]
        return diverse(found, wanted, query.diversity, source.version, within.using)

    return VectorTier("fused", weights, find)


def _pools(source: Source, weights: dict[str, float]) -> list[str]:
    """Return columns whose neighbours are re-scored: fused, and the heaviest if weights differ."""
    heaviest = max(
        (part for part in weights if source.stored.has(part)), key=lambda part: weights[part]
    )
    columns = ["fused"] if source.stored.has("fused") else []
    if not columns or moved(weights, source.version.weights) > FAR_WEIGHTS:
        columns.append(heaviest)
    return columns


def best_of_group(
    others: Sequence[StoredVectors], scores: Sequence[float] | Any
) -> list[Candidate]:
    """Return the best of each group, best first, ties in key order; rows without score left out."""
    scored = [
        Candidate(other.key, other.group, float(score), other.category)
        for other, score in zip(others, scores, strict=True)
    ]
    return candidates.one_per_group(scored)


def _without(search: VectorSearch, taken: Taken) -> VectorSearch:
    return replace(search, exclude=list(taken.keys), exclude_groups=sorted(taken.groups))
