"""Products that lie apart: in another category than what resembles them, or like nothing else.

Judged by text, picture and colour alone. The attributes are left out, for they hold the
category itself: a lamp filed under chairs would be drawn towards chairs by its own mistake.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.encoders.base import BoolArray, FloatArray

IntArray = npt.NDArray[np.int64]

#: The part that holds the category.
LEFT_OUT = "attributes"

#: Neighbours each product is judged by.
NEIGHBOURS = 10

#: A category of fewer products is judged by nobody: they have no neighbours of their own.
LEAST_PRODUCTS = 5

#: A product is misfiled where so large a share of its neighbours is in one other category, so
#: small a one in its own, and where that is by so much more than is usual in its category.
THEIRS, OWN, SURPRISE = 0.4, 0.1, 0.35

#: One is like nothing else whose neighbours are so many robust deviations further than usual.
ALONE_DEVIATIONS = 5.0
MOST_ALONE = 20

_BLOCK = 1024


class NearestRows(NamedTuple):
    """``rows``: int (N, K), nearest first, -1 where there is none; ``cosine``: float32 (N, K)."""

    rows: IntArray
    cosine: FloatArray


class Outlier(NamedTuple):
    """``row`` is the product's; ``own`` and ``theirs`` count neighbours of ``of``.

    ``usual`` is the share of neighbours in ``suggested`` that products of its category have
    in the mean. ``suggested`` is -1 for a product that is like nothing else. ``striking``
    orders them, the highest first.
    """

    row: int
    suggested: int
    own: int
    theirs: int
    of: int
    usual: float
    cosine: float
    striking: float
    nearest: list[int]


def nearest(vectors: FloatArray, groups: Sequence[Any], count: int = NEIGHBOURS) -> NearestRows:
    """The ``count`` nearest of each of N unit rows (N, D), variants of one group left out."""
    _names, group = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    size = len(vectors)
    count = max(0, min(count, size - 1))
    index = np.full((size, count), -1, dtype=np.int64)
    cosine = np.full((size, count), -1.0, dtype=np.float32)
    for start in range(0, size, _BLOCK) if count else ():
        stop = min(start + _BLOCK, size)
        found = vectors[start:stop] @ vectors.T
        found[group[start:stop, None] == group[None, :]] = -np.inf
        best = np.argpartition(-found, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(found, best, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        index[start:stop] = np.take_along_axis(best, order, axis=1)
        cosine[start:stop] = np.take_along_axis(values, order, axis=1)
    index[~np.isfinite(cosine)] = -1
    cosine[~np.isfinite(cosine)] = -1.0
    return NearestRows(index, cosine)


def shares(found: NearestRows, categories: IntArray, names: Sequence[str]) -> FloatArray:
    """(N, C): the share of each product's neighbours that is in each category."""
    table = np.zeros((len(categories), len(names) + 1), dtype=np.float32)
    inside = np.where(found.rows >= 0, categories[found.rows], -1)
    for column in inside.T:
        np.add.at(table, (np.arange(len(table)), column), 1.0)  # -1 is the last column
    present = (found.rows >= 0).sum(axis=1, keepdims=True)
    return np.asarray(table[:, :-1] / np.maximum(present, 1), dtype=np.float32)


def together(share: FloatArray, categories: IntArray, names: Sequence[str]) -> list[float | None]:
    """Of each category: which share of its products' neighbours is in it too; None without."""
    kept = share @ related(names).astype(np.float32)
    means: list[float | None] = []
    for number in range(len(names)):
        inside = categories == number
        means.append(float(kept[inside, number].mean()) if inside.any() else None)
    return means


def related(names: Sequence[str]) -> BoolArray:
    """(C, C): whether one category is the other, or above or below it in the path."""
    paths = [tuple(level.strip() for level in name.split(">")) for name in names]
    same = [
        [first[: len(second)] == second or second[: len(first)] == first for second in paths]
        for first in paths
    ]
    return np.asarray(same, dtype=bool).reshape(len(names), len(names))


def misfiled(
    found: NearestRows, share: FloatArray, categories: IntArray, names: Sequence[str]
) -> list[Outlier]:
    """Products most of whose neighbours are in one category that is not theirs."""
    if not len(names):
        return []
    kin = related(names)
    counts = np.bincount(categories[categories >= 0], minlength=len(names))
    sums = np.stack([share[categories == number].sum(axis=0) for number in range(len(names))])
    outliers = []
    for row in np.flatnonzero(categories >= 0):
        own = int(categories[row])
        of = int((found.rows[row] >= 0).sum())
        elsewhere = np.where(kin[own], 0.0, share[row])
        suggested = int(elsewhere.argmax())
        theirs, ours = float(elsewhere[suggested]), float(share[row][kin[own]].sum())
        if counts[own] < LEAST_PRODUCTS or theirs < THEIRS or ours > OWN:
            continue
        usual = float(sums[own, suggested] - share[row, suggested]) / (counts[own] - 1)
        if theirs - usual < SURPRISE:
            continue
        outliers.append(
            _outlier(found, int(row), suggested, (ours * of, theirs * of, of), usual, theirs)
        )
    return sorted(outliers, key=lambda outlier: -outlier.striking)


def alone(found: NearestRows) -> list[Outlier]:
    """Products whose nearest neighbours are far, against those of all others."""
    some: npt.NDArray[np.bool_] = np.all(found.rows >= 0, axis=1)
    if found.rows.shape[1] == 0 or some.sum() < LEAST_PRODUCTS:
        return []
    means = found.cosine.mean(axis=1)
    middle = float(np.median(means[some]))
    spread = 1.4826 * float(np.median(np.abs(means[some] - middle)))
    if spread < 1e-6:
        return []
    deviations = (middle - means) / spread
    rows = [int(row) for row in np.argsort(means) if deviations[row] > ALONE_DEVIATIONS]
    of = found.rows.shape[1]
    return [
        _outlier(found, row, -1, (0, 0, of), 0.0, float(deviations[row]))
        for row in rows[:MOST_ALONE]
        if some[row]
    ]


def _outlier(
    found: NearestRows,
    row: int,
    suggested: int,
    counted: tuple[float, float, int],
    usual: float,
    striking: float,
) -> Outlier:
    own, theirs, of = counted
    cosine = float(found.cosine[row].mean())
    near = [int(number) for number in found.rows[row] if number >= 0][:3]
    if suggested >= 0:
        striking = (striking - usual) * max(cosine, 0.0)
    return Outlier(row, suggested, round(own), round(theirs), of, usual, cosine, striking, near)
