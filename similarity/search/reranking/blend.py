"""The fixed blend, which re-orders results if no ranker was learned."""

from collections.abc import Mapping

import numpy as np

from similarity.search.reranking.signals import SIGNALS
from similarity.types import DoubleArray

#: Signal → weight; docs/rerank.md explains how they were chosen.
WEIGHTS = {
    "position": 0.10,
    "score": 0.05,
    "words": 1.00,
    "vector": 0.10,
    "attributes": 0.10,
    "price": 0.20,
    "popularity": 0.05,
    "in_stock": 0.20,
    "taste": 0.02,
}

#: For hits of this plugin's search, whose order already uses words, meaning and attributes.
OF_SEARCH = WEIGHTS | {
    "position": 1.0,
    "score": 0.0,
    "words": 0.0,
    "vector": 0.0,
    "attributes": 0.0,
}


def blend(values: DoubleArray, weights: Mapping[str, float] = WEIGHTS) -> DoubleArray:
    """Return scores (N,) of signals (N, len(SIGNALS)): their weighted sum."""
    return values @ np.array([weights.get(name, 0.0) for name in SIGNALS])
