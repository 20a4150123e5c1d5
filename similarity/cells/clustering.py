"""Clustering of unit vectors into cells of similar size, by spherical k-means per category.

Means are scaled to length one after each step, so that the nearest mean has the largest dot
product (Dhillon and Modha, "Concept decompositions for large sparse text data using clustering",
2001).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from similarity.types import FloatArray

Numbers = npt.NDArray[np.int32]

#: The category number shared by all categories that are too small for cells of their own.
POOL = 0
#: Rows compared with all means at once; this limits the memory of one step.
BLOCK = 8192
STEPS = 5
#: Rows for each mean that k-means learns from; more rows hardly improve the result.
ROWS_PER_MEAN = 32
#: Most cells of one category, because each of its rows is compared with all of them.
MAX_CELLS = 2048
#: Above this number of means, k-means has two levels: some tens within each of some tens.
TWO_LEVELS = 256


@dataclass(frozen=True)
class Cells:
    """``centroids`` (C, D) unit rows; cell c is part of the category ``categories[c]`` (C,)."""

    centroids: FloatArray
    categories: Numbers

    def assign(self, rows: FloatArray, categories: Numbers) -> Numbers:
        """Return (N,) the cell of each of N unit rows: the nearest cell of its own category.

        A category without cells belongs to the pool. Without a pool, the nearest of all cells.
        """
        cells = np.empty(len(rows), dtype=np.int32)
        for category, members in _members(categories):
            mine = np.flatnonzero(self.categories == category)
            if not len(mine):
                mine = np.flatnonzero(self.categories == POOL)
            if not len(mine):
                mine = np.arange(len(self.centroids))
            cells[members] = mine[nearest(rows[members], self.centroids[mine])]
        return cells


def fit(
    sample: FloatArray, categories: Numbers, sizes: Mapping[int, int], per_cell: int, seed: int = 0
) -> Cells:
    """Return cells of about ``per_cell`` rows, learnt from a sample of the catalogue.

    ``sample``: unit rows (S, D) of the ``categories`` (S,), S at least 1, drawn evenly.
    ``sizes``: category → its rows in the whole catalogue.
    """
    dice = np.random.default_rng(seed)
    own = {category for category, size in sizes.items() if size >= per_cell}
    pooled = np.where(np.isin(categories, list(own)), categories, POOL)
    pool = sum(size for category, size in sizes.items() if category not in own or category == POOL)
    centroids, names = [], []
    for category, members in _members(pooled):
        size = pool if category == POOL else sizes[category]
        count = min(MAX_CELLS, max(1, round(size / per_cell)))
        means = _means(sample[members], count, dice)
        centroids.append(means)
        names.append(np.full(len(means), category, dtype=np.int32))
    return Cells(np.concatenate(centroids), np.concatenate(names))


def k_means(rows: FloatArray, count: int, dice: np.random.Generator) -> FloatArray:
    """Return at most ``count`` unit means of unit rows; fewer if there are fewer rows.

    A mean without rows is replaced by a row drawn at random.
    """
    count = min(count, len(rows))
    means = rows[dice.choice(len(rows), size=count, replace=False)].copy()
    for _ in range(STEPS if count > 1 else 1):
        owner = nearest(rows, means)
        order = np.argsort(owner, kind="stable")
        present, starts = np.unique(owner[order], return_index=True)
        means = rows[dice.choice(len(rows), size=count, replace=False)].copy()
        means[present] = np.add.reduceat(rows[order], starts, axis=0)
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return means


def nearest(rows: FloatArray, means: FloatArray) -> Numbers:
    """Return (N,) the number of the mean with the largest dot product."""
    owner = np.empty(len(rows), dtype=np.int32)
    for start in range(0, len(rows), BLOCK):
        owner[start : start + BLOCK] = np.argmax(rows[start : start + BLOCK] @ means.T, axis=1)
    return owner


def _means(rows: FloatArray, count: int, dice: np.random.Generator) -> FloatArray:
    enough = count * ROWS_PER_MEAN
    if len(rows) > enough:
        rows = rows[dice.choice(len(rows), size=enough, replace=False)]
    if count <= TWO_LEVELS:
        return k_means(rows, count, dice)
    region = nearest(rows, k_means(rows[: 8 * TWO_LEVELS * ROWS_PER_MEAN], count // 32, dice))
    share = count / len(rows)
    return np.concatenate(
        [
            k_means(rows[members], max(1, round(share * len(members))), dice)
            for _number, members in _members(region)
        ]
    )


def _members(labels: Numbers) -> list[tuple[int, npt.NDArray[np.intp]]]:
    """Return label → the positions that have it, ascending."""
    order = np.argsort(labels, kind="stable")
    names, starts = np.unique(labels[order], return_index=True)
    return list(zip(names.tolist(), np.split(order, starts[1:]), strict=True))
