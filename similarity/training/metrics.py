"""Quality of lists of neighbours, by labels and by links made by hand."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.encoders.base import BoolArray, FloatArray
from similarity.training.datasets import Dataset

IntArray = npt.NDArray[np.int64]

TOP = 10
ALL = "all"  # alike in every label the catalogue has
_CHUNK = 512  # queries compared with the whole catalogue at once


class Share(NamedTuple):
    """``precision``: share of the top 10 that is alike, averaged over the queries.

    ``attainable``: the precision of a perfect ranking, which is below 1 if a query has fewer than
    ten such products. ``mean_average_precision``: at 10, over the queries that have any such
    product. A query's value is Σ precision@i over its hits i ÷ min(10, number of such products).
    """

    precision: float
    attainable: float
    mean_average_precision: float
    queries: int

    @property
    def attained(self) -> float:
        """Return ``precision`` ÷ ``attainable``, 0–1."""
        return self.precision / self.attainable if self.attainable else 0.0


def neighbours(vectors: FloatArray, groups: Sequence[str], top: int = TOP) -> IntArray:
    """Return positions (N, top) of the nearest by cosine, nearest first; -1 for no neighbour.

    ``vectors`` has unit rows. A zero row is a product without the part: it has no neighbours and is
    not a neighbour. A product's own group is left out.
    """
    found = np.full((len(vectors), top), -1, dtype=np.int64)
    present = np.asarray(vectors.any(axis=1))
    _, group = np.unique(np.array(groups, dtype=str), return_inverse=True)
    for rows in _chunks(len(vectors)):
        cosine = vectors[rows] @ vectors.T
        cosine[:, ~present] = -np.inf
        cosine[group[rows][:, None] == group[None, :]] = -np.inf
        best = np.argsort(-cosine, axis=1, kind="stable")[:, :top]
        reached = np.take_along_axis(cosine, best, axis=1) > -np.inf
        found[rows, : best.shape[1]] = np.where(reached & present[rows][:, None], best, -1)
    return found


def label_shares(
    found: IntArray, dataset: Dataset, queries: BoolArray | None = None
) -> dict[str, Share]:
    """Return the share of each label, and of ``all`` if there are several labels.

    A query counts if its label is known (for ``all``: if all are known). ``queries`` (N,) narrows
    them. The searched catalogue stays whole.
    """
    asked = np.ones(len(found), dtype=bool) if queries is None else queries
    matrices = {name: _membership(sets) for name, sets in dataset.labels.items()}
    _, group = np.unique(np.array(dataset.groups, dtype=str), return_inverse=True)
    collected: dict[str, list[tuple[BoolArray, IntArray]]] = {}
    for rows in _chunks(len(found)):
        other = group[rows][:, None] != group[None, :]
        alike = {name: (m[rows] @ m.T > 0) & other for name, m in matrices.items()}
        known = {name: m[rows].any(axis=1) & asked[rows] for name, m in matrices.items()}
        if len(alike) > 1:
            alike[ALL] = np.logical_and.reduce(list(alike.values()))
            known[ALL] = np.logical_and.reduce(list(known.values()))
        for name, relevant in alike.items():
            hits = np.take_along_axis(relevant, found[rows].clip(0), axis=1) & (found[rows] >= 0)
            counts = relevant.sum(axis=1)
            collected.setdefault(name, []).append((hits[known[name]], counts[known[name]]))
    return {
        name: _share(*map(np.concatenate, zip(*c, strict=True))) for name, c in collected.items()
    }


def link_recalls(found: IntArray, dataset: Dataset) -> dict[str, float]:
    """Return for each kind of link the share of a product's links in its top 10, averaged.

    Products without links of the kind do not count. Links within a group are left out, because the
    list leaves out the group.
    """
    recalls: dict[str, float] = {}
    groups = dataset.groups
    for kind, linked in dataset.links.items():
        shares = []
        for row, targets in enumerate(linked):
            wanted = {target for target in targets if groups[target] != groups[row]}
            if wanted:
                shares.append(len(wanted & set(found[row].tolist())) / len(wanted))
        if shares:
            recalls[kind] = float(np.mean(shares))
    return recalls


def average_precision(hits: BoolArray, relevant: IntArray) -> FloatArray:
    """Return it at the list's length; ``hits`` (Q, top), ``relevant`` (Q,) counts above 0."""
    ranks = np.arange(1, hits.shape[1] + 1)
    precision = hits.cumsum(axis=1) / ranks
    scores: FloatArray = (precision * hits).sum(axis=1) / np.minimum(relevant, hits.shape[1])
    return scores


def _share(hits: BoolArray, relevant: IntArray) -> Share:
    top = hits.shape[1]
    if not len(hits):
        return Share(0.0, 0.0, 0.0, 0)
    some = relevant > 0
    mean_ap = average_precision(hits[some], relevant[some]).mean() if some.any() else 0.0
    attainable = (np.minimum(relevant, top) / top).mean()
    return Share(float(hits.mean()), float(attainable), float(mean_ap), len(hits))


def _membership(sets: Sequence[frozenset[str]]) -> FloatArray:
    """Return a row for each product, a column for each value: 1 if the product has it."""
    values = {value: at for at, value in enumerate(sorted(frozenset().union(*sets)))}
    matrix = np.zeros((len(sets), len(values)), dtype=np.float32)
    for row, own in enumerate(sets):
        matrix[row, [values[value] for value in own]] = 1
    return matrix


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + _CHUNK) for start in range(0, count, _CHUNK))
