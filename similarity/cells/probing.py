"""Probing: the choice of the cells a query looks at, the nearest with rows that pass its filter.

``similarity.cells.calibration`` measured the rows needed for the recall wanted when the
catalogue's cells were made. More rows are needed if fewer pass, because the passing neighbours
then lie farther out, and if the query lies outside its filter. Calibration also measured how many
of the passing rows, the nearest by their sketches, are compared exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connections
from psycopg.sql import SQL, Identifier

from similarity.models import EncoderVersion
from similarity.models.cells import VectorCells, sample_table
from similarity.models.sketches import Sketcher
from similarity.models.stored_vectors import FloatArray

Numbers = npt.NDArray[np.int64]

#: A category is skipped if its share of passing rows is below this part of the overall share.
LEAST_RATE = 0.05
#: The share of passing rows around the query, divided by the share in the cells with passing rows.
#: Below the first value the query is far from its filter; from the second value on it lies among
#: passing rows. In between its neighbours are partly here and partly there, and the number of rows
#: to look at grows accordingly.
FAR_RATE, NEAR_RATE = 0.5, 0.9
#: Neighbours per query that calibration measured.
CALIBRATED_FOR = 24


@dataclass(frozen=True)
class StandingCells:
    """The live cells of a version as arrays.

    ``centroids`` (C, D) unit rows, ``counts`` (C,) rows of each cell, ``groups`` (C,) the
    number 0 to G - 1 of its category, ``sampled`` (G,) rows of the sample in each category.
    ``shares`` and ``needed``, logarithms in ascending order: rows to look at by the share of
    them that passes. ``far_shares`` and ``far_needed``, also logarithms: the same for a query
    from outside its filter, by the share of all rows in the filter's categories. ``depths`` (by
    ``depth_shares``) and ``far_depths``: passing rows to compare exactly. ``variants``: average
    rows of one group, at least 1.
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
    depth_shares: FloatArray
    depths: FloatArray
    far_depths: FloatArray
    sketcher: Sketcher
    variants: float

    @property
    def rows(self) -> float:
        return float(self.counts.sum())

    def sketch(self, vector: FloatArray) -> str:
        """Return the sketch of a query (D,) of any length."""
        unit = vector / max(float(np.linalg.norm(vector)), 1e-12)
        return self.sketcher.literals(unit[None].astype(np.float32))[0]

    def rows_for(self, share: npt.ArrayLike, wanted: int) -> FloatArray:
        """Return rows to look at for ``wanted`` neighbours if ``share`` of them pass.

        The wanted-th of the passing rows is about the (wanted ÷ share)-th of all rows, so more
        neighbours have the same effect as a smaller share. Outside the calibrated range the
        result is proportional.
        """
        effective = np.log(np.maximum(share, 1e-6) * CALIBRATED_FOR / max(wanted, CALIBRATED_FOR))
        rows = np.interp(effective, self.shares, self.needed)
        below = np.minimum(effective - self.shares[0], 0.0)
        return np.asarray(np.exp(rows - below), dtype=np.float32)

    def rows_from_afar(self, share: float, wanted: int) -> float:
        """Return rows to look at from outside; passing categories hold ``share`` of all rows."""
        rows = np.interp(np.log(max(share, 1e-6)), self.far_shares, self.far_needed)
        return float(np.exp(rows)) * max(1.0, wanted / CALIBRATED_FOR) ** 0.5

    def depth_for(self, share: float, wanted: int) -> int:
        """Return passing rows to compare exactly for ``wanted`` neighbours, if ``share`` pass."""
        depth = np.interp(np.log(max(share, 1e-6)), self.depth_shares, self.depths)
        return self._for(float(depth), wanted)

    def depth_from_afar(self, share: float, wanted: int) -> int:
        """Return passing rows to compare exactly, for :meth:`rows_from_afar`."""
        return self._for(
            float(np.interp(np.log(max(share, 1e-6)), self.far_shares, self.far_depths)), wanted
        )

    def _for(self, depth: float, wanted: int) -> int:
        return max(wanted, int(np.ceil(depth * max(1.0, wanted / CALIBRATED_FOR))))


class ChosenCells(NamedTuple):
    """Cells with their ``rows``, the ``share`` of these expected to pass, and whether they are
    ``far``.

    ``idle`` rows belong to categories in which no row is expected to pass. The nearest ``depth``
    passing rows by sketch are compared exactly.
    """

    cells: list[int]
    rows: int
    share: float
    far: bool
    idle: int
    depth: int

    @property
    def tested(self) -> int:
        """The nearest rows to test, so that slightly more than ``depth`` of them should pass."""
        passing = self.share * self.rows
        holding = max(self.rows - self.idle, 1)
        return int(self.idle + 1.25 * self.depth * holding / max(passing, 1e-6)) + 64


def standing(version: EncoderVersion, using: str) -> StandingCells | None:
    """Return the live cells of the version; None if it has no cells."""
    number = getattr(version, "cells_number", False)
    if number is False:  # the version was not read by ``live_version``
        live = VectorCells.objects.using(using).filter(version_id=version.pk, live=True)
        number = live.values_list("pk", flat=True).first()
    return load(number, using) if number else None


@lru_cache(maxsize=4)
def load(number: int, using: str) -> StandingCells | None:
    """Return a set of cells, which never changes once live, so a process reads it once.

    Returns None if its tables are missing, for example after a restore of data alone.
    """
    made = VectorCells.objects.using(using).get(pk=number)
    _names, groups = np.unique(made.category_numbers(), return_inverse=True)
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [sample_table(number)])
        if cursor.fetchone() == (None,):
            return None
        cursor.execute(SQL("SELECT cell FROM {}").format(Identifier(sample_table(number))))
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
        depth_shares=_logarithms(scan["depth_shares"][::-1]),
        depths=np.array(scan["depths"][::-1], dtype=np.float32),
        far_depths=np.array(scan["far_depths"], dtype=np.float32),
        sketcher=made.sketcher(),
        variants=float(made.figures["variants"]),
    )


def choose(cells: StandingCells, vector: FloatArray, rates: FloatArray, wanted: int) -> ChosenCells:
    """Return the nearest cells of categories with passing rows, enough for ``wanted`` groups.

    ``rates`` (G,): share of each category's rows that pass. The cells nearest to the query are
    always included, because the passing rows may have changed since the sample.
    """
    wanted = int(np.ceil(wanted * cells.variants))
    # Not with BLAS: its threads wait for each other, for milliseconds on busy cores.
    nearness = np.einsum("ij,j->i", cells.centroids, vector)
    order = np.argsort(-nearness)
    counts, rate = cells.counts[order], rates[cells.groups[order]]
    around = int(np.searchsorted(np.cumsum(counts), float(np.exp(cells.needed[-1])))) + 1
    least = LEAST_RATE * float(rates @ cells.sampled) / max(float(cells.sampled.sum()), 1.0)
    holding = np.flatnonzero(rate >= least)
    outside = _outside(float(np.mean(rate[:around])), rate[holding])
    looked_at = np.cumsum(counts[holding])
    passing = np.cumsum(counts[holding] * rate[holding])
    need = cells.rows_for(passing / np.maximum(looked_at, 1.0), wanted)
    reach = float(looked_at[-1]) / cells.rows if len(holding) else 0.0
    if outside:
        from_afar = np.maximum(need, cells.rows_from_afar(reach, wanted))
        need *= (from_afar / need) ** outside
    enough = np.flatnonzero(looked_at >= need)
    last = int(enough[0]) + 1 if len(enough) else len(holding)
    nearest = order[: max(1, around // 4)]
    chosen = np.union1d(nearest, order[holding[:last]])
    counts, rate = cells.counts[chosen], rates[cells.groups[chosen]]
    rows, passes = float(counts.sum()), float((counts * rate).sum())
    share = passes / max(rows, 1.0)
    depth = cells.depth_for(share, wanted)
    if outside:
        deeper = max(depth, cells.depth_from_afar(reach, wanted))
        depth = int(depth * (deeper / depth) ** outside)
    idle = int(counts[rate < least].sum())
    return ChosenCells(chosen.tolist(), int(rows), share, outside == 1.0, idle, depth)


def _outside(around: float, holding: FloatArray) -> float:
    """Return 0 if as many rows pass around the query as in cells with passing rows, 1 if far."""
    if not len(holding):
        return 0.0
    nearness = around / max(float(np.mean(holding)), 1e-6)
    return float(np.clip((NEAR_RATE - nearness) / (NEAR_RATE - FAR_RATE), 0.0, 1.0))


def _logarithms(values: Sequence[float]) -> FloatArray:
    return np.log(np.maximum(np.array(values, dtype=np.float32), 1e-6))


def forget() -> None:
    """Forget loaded cells, for tests whose databases reuse numbers for different cells."""
    load.cache_clear()
