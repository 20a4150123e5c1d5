"""How many rows a query must look at: measured on the catalogue itself while cells are made.

Some of its own products are queries. What a whole scan would bring them is known once every
row has gone by; how many rows of the nearest cells hold it is then counted. It depends on
the share of rows that pass a filter, so that is simulated by leaving rows out at random, and
on whether the query lies outside its filter, for which another category is searched.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from similarity.indexing.clustering import Cells, Floats, Numbers

QUERIES = 48
#: Neighbours that must be found, for each query.
NEIGHBOURS = 24
#: Shares of the rows that pass, each with a figure of its own.
SHARES = (1.0, 0.3, 0.1, 0.03, 0.01)
FAR = "far"
#: Categories with fewer rows are scanned exactly, so that no query is far from their cells.
FAR_ROWS = 4000


class Calibration:
    """Rows (unit, float32) are shown to it once, in pieces; then :meth:`figures` are known.

    ``queries`` (Q, D) are products of the ``categories`` (Q,), with ``ids`` (Q,) by which
    each is left out of its own neighbours.
    """

    def __init__(
        self,
        queries: Floats,
        categories: Numbers,
        ids: npt.NDArray[np.int64],
        sizes: Mapping[int, int],
        seed: int = 0,
    ) -> None:
        self._dice = np.random.default_rng(seed)
        self._queries, self._ids = queries, ids
        self._elsewhere = self._other_categories(categories, sizes)
        cases = [*SHARES, FAR] if self._elsewhere is not None else [*SHARES]
        shape = (len(queries), NEIGHBOURS)
        self._likeness = {case: np.full(shape, -np.inf, dtype=np.float32) for case in cases}
        self._cells = {case: np.full(shape, -1, dtype=np.int32) for case in cases}

    def add(
        self, rows: Floats, cells: Numbers, categories: Numbers, ids: npt.NDArray[np.int64]
    ) -> None:
        """N rows, the cell and the category of each, and the ids by which they are told apart."""
        likeness = self._queries @ rows.T
        likeness[self._ids[:, None] == ids[None, :]] = -np.inf
        order = self._dice.random(len(rows))
        for share in SHARES:
            passing = np.flatnonzero(order < share)
            self._keep(share, likeness[:, passing], cells[passing])
        if self._elsewhere is not None:
            outside = categories[None, :] != self._elsewhere[:, None]
            likeness[outside] = -np.inf
            self._keep(FAR, likeness, cells)

    def figures(self, cells: Cells, counts: Numbers, recall: float) -> dict[str, Any]:
        """``shares`` and the ``rows`` to look at for each, and ``far``, for the wanted recall.

        ``counts`` (C,) are the rows of each cell. Rows are counted cell by cell, the nearest
        first; that many hold the share ``recall`` of all neighbours of all queries.
        """
        nearness = self._queries @ cells.centroids.T
        rows = [self._quantile(self._needed(share, nearness, counts), recall) for share in SHARES]
        far = rows[0]
        if self._elsewhere is not None:
            outside = cells.categories[None, :] != self._elsewhere[:, None]
            needed = self._needed(FAR, np.where(outside, -np.inf, nearness), counts)
            far = max(far, self._quantile(needed, recall))
        # More pass, fewer rows are needed; noise must not turn that round.
        return {
            "shares": list(SHARES),
            "rows": np.maximum.accumulate(rows).tolist(),
            "far": int(far),
            "recall": recall,
        }

    def _other_categories(self, own: Numbers, sizes: Mapping[int, int]) -> Numbers | None:
        """(Q,) a category that the query is not of, drawn by size; None where there is no other."""
        large = [category for category, size in sizes.items() if size >= FAR_ROWS]
        if len(large) < 2:
            return None
        weights = np.array([sizes[category] for category in large], dtype=float)
        drawn = self._dice.choice(len(large), size=len(own), p=weights / weights.sum())
        same = np.array(large)[drawn] == own
        return np.array(large, dtype=np.int32)[np.where(same, (drawn + 1) % len(large), drawn)]

    def _keep(self, case: Any, likeness: Floats, cells: Numbers) -> None:
        """The best of those kept and those new."""
        kept = self._likeness[case]
        least = kept.min(axis=1, keepdims=True)
        for query in np.flatnonzero((likeness > least).any(axis=1)):
            better = np.flatnonzero(likeness[query] > least[query])
            both = np.concatenate([kept[query], likeness[query, better]])
            best = np.argpartition(-both, NEIGHBOURS - 1)[:NEIGHBOURS]
            self._cells[case][query] = np.concatenate([self._cells[case][query], cells[better]])[
                best
            ]
            kept[query] = both[best]

    def _needed(self, case: Any, nearness: Floats, counts: Numbers) -> Floats:
        """(N,) rows looked at until each neighbour of each query has been met."""
        order = np.argsort(-nearness, axis=1)
        looked_at = np.cumsum(counts[order], axis=1)
        place = np.empty_like(order)
        np.put_along_axis(place, order, np.arange(order.shape[1])[None, :], axis=1)
        found = self._cells[case]
        rows = np.take_along_axis(
            looked_at, np.take_along_axis(place, np.maximum(found, 0), axis=1), axis=1
        )
        return rows[found >= 0].astype(np.float32)

    @staticmethod
    def _quantile(needed: Floats, recall: float) -> int:
        return int(np.quantile(needed, recall)) if len(needed) else 0
