"""Maximal marginal relevance (Carbonell and Goldstein, 1998)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from similarity.similar.stored import FloatArray


def maximal_marginal_relevance(
    scores: Sequence[float] | npt.NDArray[np.float64],
    vectors: FloatArray,
    diversity: float,
    limit: int,
) -> list[int]:
    """Positions of ``limit`` candidates, each good and unlike those already taken.

    ``scores``: (N,) in [0, 1], best first. ``vectors``: (N, D) unit rows. ``diversity``: 0
    keeps the order, 1 looks at unlikeness alone. The first stays the best; equal values
    go to the better score. Likeness is put on the scores' scale, (1 + cosine) / 2.
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
