"""Measures of rankings of products with ESCI labels."""

import math
from collections.abc import Mapping, Sequence

#: Gains of the KDD Cup 2022; ESCI was made for it (arXiv 2206.06588).
OFFICIAL: Mapping[str, float] = {"E": 1.0, "S": 0.1, "C": 0.01, "I": 0.0}
#: 2^grade - 1 for grades 3, 2, 1, 0 (Burges et al. 2005).
EXPONENTIAL: Mapping[str, float] = {"E": 7.0, "S": 3.0, "C": 1.0, "I": 0.0}

RELEVANT = "E"
TOP = 10
RECALL_DEPTH = 50


def ndcg(
    ranked: Sequence[int], labels: Mapping[int, str], gains: Mapping[str, float], top: int = TOP
) -> float:
    """Return the normalised discounted cumulative gain (Järvelin and Kekäläinen 2002) of the first
    ``top``.

    ``ranked`` are positions of products, best first; a product that is missing in ``labels`` has no
    gain. The result is 0 to 1, and 0 if no product has a gain.
    """
    gained = [gains[labels[one]] if one in labels else 0.0 for one in ranked[:top]]
    most = _discounted(sorted((gains[label] for label in labels.values()), reverse=True)[:top])
    return _discounted(gained) / most if most else 0.0


def recall(ranked: Sequence[int], labels: Mapping[int, str], depth: int = RECALL_DEPTH) -> float:
    """Return the share of exact products among the first ``depth``, of as many as fit there."""
    exact = {one for one, label in labels.items() if label == RELEVANT}
    if not exact:
        return 0.0
    return len(exact & set(ranked[:depth])) / min(len(exact), depth)


def reciprocal_rank(ranked: Sequence[int], labels: Mapping[int, str]) -> float:
    """Return 1 ÷ rank of the first exact product; 0 without an exact product."""
    ranks = (rank for rank, one in enumerate(ranked, start=1) if labels.get(one) == RELEVANT)
    return next((1 / rank for rank in ranks), 0.0)


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))
