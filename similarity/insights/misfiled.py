"""Find outliers: products in a different category than similar products, or without similar
products.

Only text, picture and colour count. Attributes are left out because they contain the category
itself: a lamp filed under chairs would move towards chairs because of the mistake.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.encoders.base import BoolArray, FloatArray

IntArray = npt.NDArray[np.int64]

#: The part that contains the category.
LEFT_OUT = "attributes"

#: Neighbours used to judge each product.
NEIGHBOURS = 10

#: Skip categories with fewer products, because their products have too few neighbours in the same
#: category.
LEAST_PRODUCTS = 5

#: A product is misfiled if at least THEIRS of its neighbours are in one other category, at most OWN
#: are in its own category, and the first share exceeds the usual share of its category by SURPRISE.
THEIRS, OWN, SURPRISE = 0.4, 0.1, 0.35

#: A product is isolated if the distance of its neighbours exceeds the median by this number of
#: robust deviations.
ALONE_DEVIATIONS = 5.0
MOST_ALONE = 20

_BLOCK = 1024


class NearestRows(NamedTuple):
    """The nearest neighbours of each row.

    ``rows`` is int (N, K), nearest first, -1 if there is no neighbour. ``cosine`` is float32 (N,
    K).
    """

    rows: IntArray
    cosine: FloatArray


class Outlier(NamedTuple):
    """A product that lies apart; ``own`` and ``theirs`` count neighbours, out of ``of``.

    ``row`` is the product's row. ``usual`` is the mean share of neighbours in ``suggested`` over
    products of its category. ``suggested`` is -1 for an isolated product. Outliers are sorted by
    falling ``striking``.
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
    """Return the ``count`` nearest rows of each of N unit rows (N, D), without variants of its
    group.
    """
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
    """Return (N, C): the share of each product's neighbours in each category."""
    table = np.zeros((len(categories), len(names) + 1), dtype=np.float32)
    inside = np.where(found.rows >= 0, categories[found.rows], -1)
    for column in inside.T:
        np.add.at(table, (np.arange(len(table)), column), 1.0)  # -1 is the last column
    present = (found.rows >= 0).sum(axis=1, keepdims=True)
    return np.asarray(table[:, :-1] / np.maximum(present, 1), dtype=np.float32)


def together(share: FloatArray, categories: IntArray, names: Sequence[str]) -> list[float | None]:
    """Return for each category the share of its products' neighbours in it.

    The share is None for a category without products.
    """
    kept = share @ related(names).astype(np.float32)
    means: list[float | None] = []
    for number in range(len(names)):
        inside = categories == number
        means.append(float(kept[inside, number].mean()) if inside.any() else None)
    return means


def related(names: Sequence[str]) -> BoolArray:
    """Return (C, C), True if the categories are the same or one is above the other in the path."""
    paths = [tuple(level.strip() for level in name.split(">")) for name in names]
    same = [
        [first[: len(second)] == second or second[: len(first)] == first for second in paths]
        for first in paths
    ]
    return np.asarray(same, dtype=bool).reshape(len(names), len(names))


def misfiled(
    found: NearestRows, share: FloatArray, categories: IntArray, names: Sequence[str]
) -> list[Outlier]:
    """Return products that have most neighbours in one category other than their own."""
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
    """Return products whose nearest neighbours are far away compared with other products."""
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
