"""Tiers that vectors answer: by the request's weights, by the fused vector, by one part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from similarity.models import EncoderVersion
from similarity.models.vectors import PARTS
from similarity.retrieval import candidates
from similarity.retrieval.candidates import Candidate
from similarity.retrieval.diversity import maximal_marginal_relevance
from similarity.retrieval.found import Taken
from similarity.retrieval.plans import VectorSearch
from similarity.retrieval.query import Query
from similarity.retrieval.scoring import moved, rescore
from similarity.retrieval.stored import StoredVectors, read_vectors
from similarity.retrieval.within import Within

#: Fused candidates that a request's own weights are applied to.
RESCORED = 500
#: From here on the fused vector's neighbours are no longer enough to re-weight.
FAR_WEIGHTS = 0.25
#: Candidates that diversity chooses from, for each hit wanted.
DIVERSITY_POOL = 5
#: The order in which stored vectors stand in for one another.
FALLBACK_COLUMNS = ("fused", "text", "attributes", "image", "colour")


@dataclass(frozen=True)
class Source:
    """The product hits are similar to, as the live version has it."""

    version: EncoderVersion
    stored: StoredVectors


@dataclass(frozen=True)
class VectorTier:
    """``weights`` are what explains its hits: part → weight."""

    name: str
    weights: dict[str, float]
    find: Callable[[int, Taken], list[Candidate]]


def vector_tiers(source: Source, query: Query, within: Within) -> list[VectorTier]:
    """The tier the query asks for, then those that can stand in for it."""
    tiers = []
    if query.weights and any(
        weight > 0 and source.stored.has(part) for part, weight in query.weights.items()
    ):
        tiers.append(_weighted_tier(source, query, within))
    order = [query.mode, *(column for column in FALLBACK_COLUMNS if column != query.mode)]
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
    """``wanted`` of the candidates, chosen by MMR over their fused vectors."""
    if not diversity or len(found) < 2:
        return found[:wanted]
    stored = read_vectors(version, [candidate.key for candidate in found], ("fused",), using)
    # A product deleted since it was found is passed over.
    found = [candidate for candidate in found if candidate.key in stored]
    if not found:
        return []
    vectors = np.stack(
        [
            vector / max(float(np.linalg.norm(vector)), 1e-12)
            for candidate in found
            if (vector := stored[candidate.key].vectors["fused"]) is not None  # it never is
        ]
    )
    scores = [candidate.score for candidate in found]
    return [found[at] for at in maximal_marginal_relevance(scores, vectors, diversity, wanted)]


def _column_tier(source: Source, query: Query, within: Within, column: str) -> VectorTier:
    search = search_by(source, query, within, column)

    def find(wanted: int, taken: Taken) -> list[Candidate]:
        pool = DIVERSITY_POOL * wanted if query.diversity else wanted
        found = candidates.nearest(_without(search, taken), wanted, pool)
        return diverse(found[:pool], wanted, query.diversity, source.version, within.using)

    weights = dict(source.version.weights) if column == "fused" else {column: 1.0}
    return VectorTier(column, weights, find)


def _weighted_tier(source: Source, query: Query, within: Within) -> VectorTier:
    weights = dict(query.weights or {})

    def find(wanted: int, taken: Taken) -> list[Candidate]:
        pool = max(RESCORED, DIVERSITY_POOL * wanted)
        keys: dict[Any, None] = {}
        for column in _pools(source, weights):
            search = _without(search_by(source, query, within, column), taken)
            keys.update(dict.fromkeys(row.key for row in candidates.rows(search, wanted, pool)))
        others = list(read_vectors(source.version, keys, PARTS, within.using).values())
        scores = rescore(query.metric, weights, source.stored, others)
        found = best_of_group(others, scores)[: DIVERSITY_POOL * wanted]
        return diverse(found, wanted, query.diversity, source.version, within.using)

    return VectorTier("fused", weights, find)


def _pools(source: Source, weights: dict[str, float]) -> list[str]:
    """Columns whose neighbours are re-scored: fused, and where weights move far the heaviest."""
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
    """Best first, ties in key order, one of each group; rows without a score left out."""
    scored = [
        Candidate(other.key, other.group, float(score))
        for other, score in zip(others, scores, strict=True)
    ]
    return candidates.one_per_group(scored)


def _without(search: VectorSearch, taken: Taken) -> VectorSearch:
    return replace(search, exclude=list(taken.keys), exclude_groups=sorted(taken.groups))
