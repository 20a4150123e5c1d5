"""Which cells a query looks at: the nearest that hold rows its filter lets through.

How many rows that takes for the recall wanted was measured on the catalogue when its cells
were made (``similarity.indexing.calibration``): more where fewer pass, for the neighbours
that pass then lie farther out, and more where the query lies outside its filter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connections

from similarity.models import EncoderVersion
from similarity.models.cells import VectorCells, sample_table
from similarity.retrieval.stored import FloatArray

Numbers = npt.NDArray[np.int64]

#: A category in which rows pass so much less than on the whole is not looked into for them.
LEAST_RATE = 0.05
#: Where so much less passes around the query than in the cells that hold what passes, the
#: query is far from its filter.
FAR_RATE = 0.5
#: The calibration asked for so many neighbours.
CALIBRATED_FOR = 24


@dataclass(frozen=True)
class StandingCells:
    """The live cells of a version as arrays.

    ``centroids`` (C, D) unit rows, ``counts`` (C,) rows of each cell, ``groups`` (C,) the
    number 0 to G - 1 of its category, ``sampled`` (G,) rows of the sample in each category.
    ``shares`` and ``needed``, logarithms in ascending order: rows to look at by the share of
    them that passes. ``far_shares`` and ``far_needed`` likewise for a query from outside its
    filter, by the share of all rows that lie in the filter's categories.
    """

    number: int
    centroids: FloatArray
    counts: FloatArray
    groups: Numbers
    sampled: FloatArray
    shares: FloatArray
    needed: FloatArray
    far_shares: FloatArray
    far_needed: FloatArray

    @property
    def rows(self) -> float:
        return float(self.counts.sum())

    def rows_for(self, share: npt.ArrayLike, wanted: int) -> FloatArray:
        """Rows to look at where ``share`` of them pass, for ``wanted`` neighbours.

        The wanted-th of the rows that pass is about the (wanted ÷ share)-th of all, so that
        more of them is like a smaller share. Beyond what was calibrated, in proportion.
        """
        effective = np.log(np.maximum(share, 1e-6) * CALIBRATED_FOR / max(wanted, CALIBRATED_FOR))
        rows = np.interp(effective, self.shares, self.needed)
        below = np.minimum(effective - self.shares[0], 0.0)
        return np.asarray(np.exp(rows - below), dtype=np.float32)

    def rows_from_afar(self, share: float, wanted: int) -> float:
        """Rows to look at from outside, where ``share`` of all lie where some pass."""
        rows = np.interp(np.log(max(share, 1e-6)), self.far_shares, self.far_needed)
        return float(np.exp(rows)) * max(1.0, wanted / CALIBRATED_FOR) ** 0.5


class ChosenCells(NamedTuple):
    """``rows`` they hold, ``share`` of these expected to pass; ``far`` from the query or not.

    ``idle`` rows are of categories in which nothing is thought to pass.
    """

    cells: list[int]
    rows: int
    share: float
    far: bool
    idle: int

    def depth(self, wanted: int) -> int:
        """The nearest rows among which about twice as many as wanted should pass."""
        passing = self.share * self.rows
        holding = max(self.rows - self.idle, 1)
        return int(self.idle + 2 * wanted * holding / max(passing, 1e-6)) + 64


def standing(version: EncoderVersion, using: str) -> StandingCells | None:
    """The live cells of the version; None where it has none."""
    number = getattr(version, "cells_number", False)
    if number is False:  # the version was not read by ``live_version``
        live = VectorCells.objects.using(using).filter(version_id=version.pk, live=True)
        number = live.values_list("pk", flat=True).first()
    return load(number, using) if number else None


@lru_cache(maxsize=4)
def load(number: int, using: str) -> StandingCells:
    """A set of cells never changes once it is live, so a process reads it once."""
    made = VectorCells.objects.using(using).get(pk=number)
    _names, groups = np.unique(made.category_numbers(), return_inverse=True)
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT cell FROM {sample_table(number)}")  # noqa: S608 - a number
        sample = np.array([cell for (cell,) in cursor.fetchall()], dtype=np.int64)
    scan = made.figures["scan"]
    return StandingCells(
        number=number,
        centroids=made.centroid_rows(),
        counts=np.frombuffer(bytes(made.counts), dtype="<i4").astype(np.float32),
        groups=groups,
        sampled=np.bincount(groups[sample], minlength=groups.max() + 1).astype(np.float32),
        shares=_logarithms(scan["shares"][::-1]),
        needed=_logarithms(scan["rows"][::-1]),
        far_shares=_logarithms(scan["far_shares"]),
        far_needed=_logarithms(scan["far_rows"]),
    )


def choose(cells: StandingCells, vector: FloatArray, rates: FloatArray, wanted: int) -> ChosenCells:
    """The nearest cells of categories in which rows pass, as many as the recall takes.

    ``rates`` (G,): share of each category's rows that pass. The cells nearest to the query
    are looked at whatever is known of their category: what passes may have changed since.
    """
    # Not by BLAS: its threads wait for each other, for milliseconds where cores are busy.
    nearness = np.einsum("ij,j->i", cells.centroids, vector)
    order = np.argsort(-nearness)
    counts, rate = cells.counts[order], rates[cells.groups[order]]
    around = int(np.searchsorted(np.cumsum(counts), float(np.exp(cells.needed[-1])))) + 1
    least = LEAST_RATE * float(rates @ cells.sampled) / max(float(cells.sampled.sum()), 1.0)
    holding = np.flatnonzero(rate >= least)
    far = bool(len(holding) and np.mean(rate[:around]) < FAR_RATE * np.mean(rate[holding]))
    looked_at = np.cumsum(counts[holding])
    passing = np.cumsum(counts[holding] * rate[holding])
    need = cells.rows_for(passing / np.maximum(looked_at, 1.0), wanted)
    if far:
        need = np.maximum(need, cells.rows_from_afar(looked_at[-1] / cells.rows, wanted))
    enough = np.flatnonzero(looked_at >= need)
    last = int(enough[0]) + 1 if len(enough) else len(holding)
    nearest = order[: max(1, around // 4)]
    chosen = np.union1d(nearest, order[holding[:last]])
    counts, rate = cells.counts[chosen], rates[cells.groups[chosen]]
    rows, passes = float(counts.sum()), float((counts * rate).sum())
    idle = int(counts[rate < least].sum())
    return ChosenCells(chosen.tolist(), int(rows), passes / max(rows, 1.0), far, idle)


def _logarithms(values: Sequence[float]) -> FloatArray:
    return np.log(np.maximum(np.array(values, dtype=np.float32), 1e-6))


def forget() -> None:
    """For tests, whose databases give the same numbers to different cells."""
    load.cache_clear()
