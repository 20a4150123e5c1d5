"""Models that every learned model must beat: popularity and co-occurrence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from similarity.encoders.weights import package
from similarity.shoppers.interactions import Interactions
from similarity.shoppers.training.splits import History
from similarity.types import DoubleArray, FloatArray

_DAY_S = 86_400


class Popularity:
    """Score an item by the number of shoppers who met it.

    Only the events given to ``fit`` count. The popularity of published tables often counts the
    test items too, which raises it by a third (``beauty``: Recall@10 .0152 instead of .0115).
    """

    def __init__(self, half_life_days: float | None = None) -> None:
        """With ``half_life_days`` an older vote counts less: half of it after so many days."""
        self.name = "popularity" if half_life_days is None else "recent popularity"
        self.half_life_days = half_life_days
        self._votes: FloatArray = np.zeros(0, dtype=np.float32)

    def fit(self, interactions: Interactions) -> None:
        _, items, times = last_events(interactions)
        weights = np.ones(len(items))
        if self.half_life_days is not None and len(times):
            age_days = (times.max() - times) / _DAY_S
            weights = 0.5 ** (age_days / self.half_life_days)
        votes = np.bincount(items, weights=weights, minlength=interactions.item_count)
        self._votes = votes.astype(np.float32)

    def scores(self, histories: Sequence[History]) -> FloatArray:
        return np.tile(self._votes, (len(histories), 1))


class CoOccurrence:
    """Score an item by the cosine of its shoppers with those of the last items of a history.

    Two items that ``both`` shoppers met have the cosine both ÷ √(first · second). Popularity
    orders the items that no shopper met together with the history.
    """

    name = "co-occurrence"

    def __init__(self, last: int = 20, decay: float = 0.8, neighbours: int = 200) -> None:
        """Look at the ``last`` items; each older one counts ``decay`` of the next.

        ``neighbours`` are kept of each item, so that memory grows with the catalogue only.
        """
        self.last, self.decay, self.neighbours = last, decay, neighbours
        self._popularity: FloatArray = np.zeros(0, dtype=np.float32)
        self._cosines: Any = None  # (I, I) sparse

    def fit(self, interactions: Interactions) -> None:
        shoppers, items, _ = last_events(interactions)
        met = _incidence(shoppers, items, interactions.item_count)
        counts: DoubleArray = np.bincount(items, minlength=interactions.item_count).astype(float)
        self._popularity = (counts / max(counts.max(initial=0), 1) * 1e-6).astype(np.float32)
        self._cosines = _pruned_cosines(met, self.neighbours)

    def scores(self, histories: Sequence[History]) -> FloatArray:
        sparse = package("scipy.sparse")

        rows, columns, weights = [], [], []
        for row, history in enumerate(histories):
            latest = list(dict.fromkeys(history.items[::-1].tolist()))[: self.last]
            rows += [row] * len(latest)
            columns += latest
            weights += [self.decay**age for age in range(len(latest))]
        shape = (len(histories), len(self._popularity))
        asked = sparse.csr_matrix((np.array(weights, dtype=np.float32), (rows, columns)), shape)
        found: FloatArray = (asked @ self._cosines).toarray()
        return found + self._popularity


#: Of each shopper's items the latest so many make pairs, because pairs grow with the square.
_ITEMS_PAIRED = 50


def last_events(
    interactions: Interactions,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Return shoppers, items and times (P,) of each shopper's last event with each item."""
    pairs = interactions.shoppers.astype(np.int64) * interactions.item_count + interactions.items
    _, from_end = np.unique(pairs[::-1], return_index=True)
    at = np.sort(len(pairs) - 1 - from_end)
    return interactions.shoppers[at], interactions.items[at], interactions.times[at]


def _incidence(
    shoppers: npt.NDArray[np.int32],
    items: npt.NDArray[np.int32],
    item_count: int,
) -> Any:
    """Return a sparse (S, I) matrix of ones: which shopper met which item lately."""
    sparse = package("scipy.sparse")

    counts = np.bincount(shoppers)
    from_end = np.cumsum(counts)[shoppers] - np.arange(len(shoppers))  # 1: the shopper's latest
    kept = from_end <= _ITEMS_PAIRED
    ones = np.ones(int(kept.sum()), dtype=np.float32)
    return sparse.csr_matrix((ones, (shoppers[kept], items[kept])), shape=(len(counts), item_count))


def _pruned_cosines(met: Any, neighbours: int, block: int = 2048) -> Any:
    """Return the sparse (I, I) cosines of items, with the best ``neighbours`` in each row."""
    sparse = package("scipy.sparse")

    lengths = np.sqrt(np.asarray(met.sum(axis=0)).ravel())
    unit = met @ sparse.diags(1 / np.maximum(lengths, 1), format="csr").astype(np.float32)
    by_item = unit.T.tocsr()
    parts = []
    for first in range(0, by_item.shape[0], block):
        cosines = (by_item[first : first + block] @ unit).tocsr()
        for row in range(cosines.shape[0]):
            part = slice(cosines.indptr[row], cosines.indptr[row + 1])
            values = cosines.data[part]
            values[cosines.indices[part] == first + row] = 0
            if len(values) > neighbours:
                values[np.argpartition(values, -neighbours)[:-neighbours]] = 0
        cosines.eliminate_zeros()
        parts.append(cosines)
    return sparse.vstack(parts, format="csr")
