"""Scores in [0, 1], higher is better, from distances and part cosines; and diversity by MMR.

Stored rows have length one, so the three metrics give fused vectors the same order and differ
only in scale. The order differs if a request has its own weights and products lack parts:
``cosine`` uses the parts both products have, ``dot`` counts a missing part as no evidence, ``l2``
counts it as distance.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from similarity.exceptions import QueryError
from similarity.models.stored_vectors import FloatArray, StoredVectors
from similarity.parts import PARTS

METRICS = ("cosine", "dot", "l2")
BoolArray = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float64]


def score_of_distance(metric: str, distance: float) -> float:
    """Return the score of a pgvector distance between unit rows.

    Cosine distance is in [0, 2], the negative inner product in [-1, 1], Euclidean distance
    in [0, 2]. The score is clipped, because half precision may exceed these by a thousandth.
    """
    if metric == "dot":
        distance += 1.0
    return min(max(1.0 - distance / 2.0, 0.0), 1.0)


def normalised_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """Return a request's weights, scaled to add up to 1.

    Raises :class:`QueryError` for an unknown part, for a weight that is not a finite number of at
    least 0, and if all weights are zero.
    """
    if not isinstance(weights, Mapping):
        raise QueryError(f"weights is {weights!r}; pass a dict of part to weight.")
    for part, weight in weights.items():
        if part not in PARTS:
            raise QueryError(
                f"weights names the unknown part {part!r}; known are {', '.join(PARTS)}."
            )
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not math.isfinite(weight) or weight < 0:
            raise QueryError(
                f"weights gives {part} {weight!r}; pass a finite number of at least 0."
            )
    largest = max(weights.values(), default=0)
    if largest <= 0:
        raise QueryError("weights has no weight above 0; at least 1 must be.")
    # Divided by the largest first: the sum of very large weights would be infinite.
    scaled = {part: weight / largest for part, weight in weights.items()}
    total = sum(scaled.values())
    return {part: weight / total for part, weight in scaled.items()}


def moved(request: Mapping[str, float], version: Mapping[str, float]) -> float:
    """Return how far two sets of weights are apart: 0 the same, 1 nothing in common."""
    parts = {*request, *version}
    return sum(abs(request.get(part, 0.0) - version.get(part, 0.0)) for part in parts) / 2


def part_cosines(
    source: StoredVectors, others: Sequence[StoredVectors]
) -> tuple[Scores, BoolArray]:
    """Return cosines (N, P) of each part in the order of ``PARTS``, and which parts both have.

    The cosine is 0 if either product lacks the part.
    """
    cosines = np.zeros((len(others), len(PARTS)))
    present = np.zeros((len(others), len(PARTS)), dtype=bool)
    for at, part in enumerate(PARTS):
        own = source.vectors.get(part)
        if own is None:
            continue
        having = [row for row, other in enumerate(others) if other.vectors.get(part) is not None]
        if having:
            rows = np.stack([others[row].vectors[part] for row in having])  # type: ignore[misc]
            cosines[having, at] = np.clip(_cosines(own, rows), -1.0, 1.0)
            present[having, at] = True
    return cosines, present


def weighted_scores(
    metric: str,
    weights: Sequence[float] | Scores,
    cosines: Scores,
    shared: BoolArray,
    missing: BoolArray,
) -> Scores:
    """Return scores (N,) in [0, 1]; NaN if no part of weight above 0 is shared.

    ``weights`` (P,) add up to 1. ``cosines``, ``shared``: (N, P), as :func:`part_cosines` returns
    them. ``missing`` (N, P): parts that exactly one of the two products has.
    """
    share = np.asarray(weights, dtype=np.float64)
    weight_shared = (share * shared).sum(axis=1)
    total = (share * np.where(shared, cosines, 0.0)).sum(axis=1)
    comparable = weight_shared > 0
    if metric == "cosine":
        similarity = np.divide(total, weight_shared, out=np.zeros_like(total), where=comparable)
        scores = (1.0 + similarity) / 2.0
    elif metric == "dot":
        scores = (1.0 + total) / 2.0
    else:
        # |q - c|² of unit parts is 2 - 2cos, and 1 if either is missing.
        squared = 2.0 * weight_shared - 2.0 * total + (share * missing).sum(axis=1)
        scores = 1.0 - np.sqrt(np.maximum(squared, 0.0)) / 2.0
    return np.where(comparable, np.clip(scores, 0.0, 1.0), np.nan)


def rescore(
    metric: str,
    weights: Mapping[str, float],
    source: StoredVectors,
    others: Sequence[StoredVectors],
) -> Scores:
    """Return scores (N,) of ``others`` under a request's weights; NaN if not comparable."""
    cosines, shared = part_cosines(source, others)
    own = np.array([source.vectors.get(part) is not None for part in PARTS])
    theirs = np.array(
        [[other.vectors.get(part) is not None for part in PARTS] for other in others], dtype=bool
    ).reshape(len(others), len(PARTS))
    share = [weights.get(part, 0.0) for part in PARTS]
    return weighted_scores(metric, share, cosines, shared, own ^ theirs)


def _cosines(vector: FloatArray, rows: FloatArray) -> Scores:
    """Return cosines, because rows in half precision are off unit length by up to a thousandth."""
    lengths = np.linalg.norm(rows, axis=1).astype(np.float64) * float(np.linalg.norm(vector))
    dots = (rows @ vector).astype(np.float64)
    return np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 1e-12)


def maximal_marginal_relevance(
    scores: Sequence[float] | npt.NDArray[np.float64],
    vectors: FloatArray,
    diversity: float,
    limit: int,
) -> list[int]:
    """Return positions of ``limit`` candidates, each good and unlike the candidates before it.

    ``scores``: (N,) in [0, 1], best first. ``vectors``: (N, D) unit rows. ``diversity``: 0 keeps
    the order, 1 uses unlikeness alone. The first candidate stays first; for equal values the
    better score wins. Likeness has the scale of scores, (1 + cosine) / 2.
    """
    relevance = np.asarray(scores, dtype=np.float64)
    count = min(limit, len(relevance))
    if count == 0:
        return []
    chosen = [0]
    left = np.ones(len(relevance), dtype=bool)
    left[0] = False
    likeness = _likeness(vectors, 0)
    while len(chosen) < count:
        value = (1.0 - diversity) * relevance - diversity * likeness
        # Rounded, so that equal candidates are equal on every machine.
        best = int(np.argmax(np.where(left, np.round(value, 9), -np.inf)))
        chosen.append(best)
        left[best] = False
        likeness = np.maximum(likeness, _likeness(vectors, best))
    return chosen


def _likeness(vectors: FloatArray, at: int) -> npt.NDArray[np.float64]:
    return (1.0 + (vectors @ vectors[at]).astype(np.float64)) / 2.0
