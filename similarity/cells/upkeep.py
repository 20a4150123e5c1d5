"""The life of cells: built, kept in step with the vectors, measured, rebuilt, dropped.

Cells serve queries where HNSW cannot (a query far from its filter), and are built in a fraction of
its time, because each row is compared only with the means of its own category. Jégou, Douze and
Schmid, "Product Quantization for Nearest Neighbor Search", 2011, describe such inverted files and
their coarse quantiser. Here a cell holds sketches of its rows (``similarity.models.sketches``),
and the host's filter runs inside the scan.
"""

import logging
import tempfile
import time
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from django.db import connections, transaction
from django.db.models import Q
from django.utils import timezone

from similarity.cells import cell_rows, clustering
from similarity.cells.calibration import QUERIES, Calibration, depths
from similarity.cells.clustering import Cells, Numbers
from similarity.connections.clock import database_time
from similarity.connections.locks import advisory_lock, is_held
from similarity.exceptions import VersionError
from similarity.models import EncoderVersion, ProductVectors, sketches
from similarity.models.cells import VectorCells, rows_table, sample_table
from similarity.models.sketches import Sketcher
from similarity.types import FloatArray, Progress

logger = logging.getLogger(__name__)

LOCK = "similarity.cells"

#: Average rows of a cell: fewer rows make more centroids, more rows make longer scans.
PER_CELL = 125
#: Vectors from which a version also has cells.
CELLS_FROM = 20_000
#: The same for item sets, which have no HNSW index beside their cells.
ITEM_CELLS_FROM = 5_000
#: Calibrated share of the neighbours that the rows a query looks at contain; also the share of
#: these neighbours among the rows with the nearest sketches, which are compared exactly.
RECALL = 0.992
#: Rows from which the levels of sketches are learnt.
SKETCHED_BY = 20_000
#: Writers share this lock; the last step of a build holds it exclusively for a moment.
WRITERS = 0x53494D43  # "SIMC"
#: Time before a replaced set is dropped, because earlier queries may still read it.
GRACE = timedelta(minutes=10)
#: Share of rows placed after the build from which cells are built again.
CHURNED = 0.3
#: Time before the start from which the last step of a build places rows, for slow writers.
OVERLAP = timedelta(minutes=10)


class CellsReport(NamedTuple):
    """The size of a version's cells; ``churn``: share of rows placed since they were made."""

    rows: int
    cells: int
    churn: float
    figures: dict[str, Any]


class Fitted(NamedTuple):
    """The model that decides where a vector goes: the centroids of a set, and its sketcher."""

    cells: Cells
    sketcher: Sketcher

    def place(self, vectors: FloatArray, categories: Numbers) -> cell_rows.Placed:
        """Return the places of N unit rows (N, D) of the categories (N,)."""
        cell = self.cells.assign(vectors, categories)
        return cell_rows.Placed(cell, self.sketcher.packed(vectors), self.sketcher.bits)


def wanted(version: EncoderVersion, alias: str) -> bool:
    """Return True if the version is large enough for cells."""
    if "fused" not in version.dimensions:
        return False
    rows = ProductVectors.objects.using(alias).of_version(version)
    is_item_set = version.status == EncoderVersion.Status.ITEMS
    least = ITEM_CELLS_FROM if is_item_set else CELLS_FROM
    return bool(rows[:least].count() >= least)


def live(version: EncoderVersion, alias: str) -> VectorCells | None:
    """Return the set that answers queries, without its centroids; None if the version has no set,
    or its tables are lost."""
    sets = VectorCells.objects.using(alias).filter(version=version, live=True)
    found = sets.defer("centroids", "categories", "counts", "rotations", "thresholds").first()
    return found if found is not None and cell_rows.exist(found.pk, alias) else None


def build(version: EncoderVersion, alias: str, progress: Progress | None = None) -> VectorCells:
    """Build the version's cells again from its stored vectors, and let queries use them.

    Vectors may be written meanwhile; changed rows are placed before the cells are used.
    Raises :class:`VersionError` if the version has no vectors, and
    :class:`similarity.connections.locks.LockTaken` while another build is running.
    """
    with advisory_lock(LOCK, alias):
        started, clock = database_time(alias), time.monotonic()
        sizes = _sizes(version, alias)
        if not sizes:
            raise VersionError(
                f"Version {version.pk} has no vectors to make cells of: "
                "run 'manage.py similarity embed'."
            )
        tell = progress or (lambda phase, done, total: None)
        tell("cells", 0, 3)
        fitted, queries = _fit(version, alias, sizes)
        tell("cells", 1, 3)
        made = VectorCells.objects.using(alias).create(
            # A number that is never reused, because processes cache sets by their number, and a
            # flush or a restore restarts sequences. The lock prevents two sets at the same time.
            pk=time.time_ns() // 1_000_000,
            version=version,
            centroids=fitted.cells.centroids.astype("<f2").tobytes(),
            categories=fitted.cells.categories.astype("<i4").tobytes(),
            rotations=fitted.sketcher.rotations.astype("<f2").tobytes(),
            thresholds=fitted.sketcher.thresholds.astype("<f4").tobytes(),
        )
        try:
            _fill(made, version, alias, fitted, queries, sizes)
            tell("cells", 2, 3)
            _use(made, version, alias, started)
        except BaseException:
            discard(made, alias)
            raise
        made.figures["build_s"] = round(time.monotonic() - clock, 1)
        made.save(using=alias, update_fields=["figures"])
        tell("cells", 3, 3)
        logger.info(
            "Cells %d of version %d: %d of %d rows in %.1f s.",
            *(made.pk, version.pk, len(fitted.cells.centroids)),
            *(made.figures["rows"], made.figures["build_s"]),
        )
        return made


def place(version: EncoderVersion, alias: str, rows: cell_rows.Placeable) -> None:
    """Put products whose vectors were just written into their cells.

    Called in the transaction that wrote the vectors. A version without cells costs one query.
    """
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [WRITERS])
    current = live(version, alias)
    if current is not None and len(rows.keys):
        placed = fitted_of(current.pk, alias).place(rows.vectors, rows.categories)
        cell_rows.place(current.pk, alias, rows, placed, version)


def tidy(version: EncoderVersion, alias: str) -> str:
    """Repair the live cells, or rebuild them after many changes; return the work done."""
    if not is_held(LOCK, alias):
        _clear(alias)
    current = live(version, alias)
    if current is None:
        return ""
    rows, placed = cell_rows.churn(current.pk, alias)
    if placed > CHURNED * max(1, rows):
        build(version, alias)
        return "made anew"
    _place_missing(current, version, alias)
    cell_rows.remove_orphans(current.pk, version, alias)
    return "mended"


def bytes_of(number: int, alias: str) -> int:
    """Return the bytes of a set's tables on disk, with their indexes."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(pg_total_relation_size(to_regclass(%s)), 0) "
            "+ coalesce(pg_total_relation_size(to_regclass(%s)), 0)",
            [rows_table(number), sample_table(number)],
        )
        return int(cursor.fetchone()[0])


def report(version: EncoderVersion, alias: str) -> CellsReport | None:
    """Return the figures of the live cells; None if the version has no cells."""
    current = live(version, alias)
    if current is None:
        return None
    rows, placed = cell_rows.churn(current.pk, alias)
    figures = current.figures
    return CellsReport(rows, figures.get("cells", 0), placed / max(1, rows), figures)


def drop(version: EncoderVersion, alias: str) -> None:
    """Drop every set of the version, with its tables."""
    for made in VectorCells.objects.using(alias).filter(version=version):
        discard(made, alias)


def discard(made: VectorCells, alias: str) -> None:
    """Drop one set, with its tables."""
    cell_rows.drop(made.pk, alias)
    VectorCells.objects.using(alias).filter(pk=made.pk).delete()


@lru_cache(maxsize=4)
def fitted_of(number: int, alias: str) -> Fitted:
    """Return the model a set was made with, which never changes; each process reads it once."""
    made = VectorCells.objects.using(alias).get(pk=number)
    return Fitted(Cells(made.centroid_rows(), made.category_numbers()), made.sketcher())


def _place_missing(
    made: VectorCells, version: EncoderVersion, alias: str, since: Any = None
) -> None:
    fitted = fitted_of(made.pk, alias)
    for rows in cell_rows.missing(made.pk, version, alias, since):
        placed = fitted.place(rows.vectors, rows.categories)
        cell_rows.place(made.pk, alias, rows, placed, version)


def _clear(alias: str) -> None:
    """Drop sets that were replaced some time ago, and remains of killed builds."""
    sets = VectorCells.objects.using(alias)
    gone = timezone.now() - GRACE
    for old in sets.filter(live=False).filter(
        Q(replaced_at__lt=gone) | Q(replaced_at=None, created_at__lt=gone)
    ):
        discard(old, alias)
    for number in cell_rows.numbers(alias) - set(sets.values_list("pk", flat=True)):
        cell_rows.drop(number, alias)


def _fit(
    version: EncoderVersion, alias: str, sizes: dict[int, int]
) -> tuple[Fitted, cell_rows.Chunk]:
    """Return cells and sketcher learnt from a sample, and some of its rows to calibrate with."""
    rows = sum(sizes.values())
    enough = clustering.ROWS_PER_MEAN * max(1, rows // PER_CELL) + 2000
    chunks = list(cell_rows.read(version, alias, 100.0 * enough / rows))
    chunks = chunks or list(cell_rows.read(version, alias))
    sample = cell_rows.joined(chunks)
    dice, rows = np.random.default_rng(0), len(sample.ids)
    few = dice.choice(rows, min(SKETCHED_BY, rows), replace=False)
    fitted = Fitted(
        clustering.fit(sample.vectors, sample.categories, sizes, PER_CELL),
        sketches.fit(sample.vectors[few]),
    )
    chosen = dice.choice(rows, min(QUERIES, rows), replace=False)
    return fitted, sample.rows(chosen)


def _fill(
    made: VectorCells,
    version: EncoderVersion,
    alias: str,
    fitted: Fitted,
    queries: cell_rows.Chunk,
    sizes: dict[int, int],
) -> None:
    cells = fitted.cells
    calibration = Calibration(queries.vectors, queries.categories, queries.ids, sizes)
    counts = np.zeros(len(cells.centroids), dtype=np.int32)
    likeness = 0.0
    with tempfile.TemporaryFile() as file:
        for chunk in cell_rows.read(version, alias):
            placed = fitted.place(chunk.vectors, chunk.categories)
            cell_rows.spool(file, chunk, placed)
            calibration.add(chunk.vectors, placed.cell, cells.categories[placed.cell], chunk.ids)
            likeness += float(np.sum(chunk.vectors * cells.centroids[placed.cell]))
            counts += np.bincount(placed.cell, minlength=len(counts)).astype(np.int32)
        rows = int(counts.sum())
        cell_rows.fill(made, alias, file, rows)
    scan = calibration.figures(cells, counts, RECALL)
    made.counts = counts.astype("<i4").tobytes()
    made.figures = {
        "rows": rows,
        "cells": len(counts),
        "variants": round(cell_rows.variants(made.pk, alias), 3),
        "likeness": round(likeness / max(1, rows), 4),
        "scan": scan | depths(made, alias, calibration.looks(cells, counts, scan), RECALL),
    }
    made.save(using=alias, update_fields=["counts", "figures"])


def _use(made: VectorCells, version: EncoderVersion, alias: str, started: Any) -> None:
    """Place rows that changed during the build and make the set live, while writers wait."""
    caught_up = database_time(alias)
    _place_missing(made, version, alias, started - OVERLAP)
    with transaction.atomic(using=alias):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WRITERS])
        _place_missing(made, version, alias, caught_up - OVERLAP)
        sets = VectorCells.objects.using(alias).filter(version=version)
        sets.filter(live=True).update(live=False, replaced_at=timezone.now())
        sets.filter(pk=made.pk).update(live=True)
    made.live = True


def _sizes(version: EncoderVersion, alias: str) -> dict[int, int]:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT category, count(*) FROM similarity_productvectors "
            "WHERE version_id = %s GROUP BY category",
            [version.pk],
        )
        return dict(cursor.fetchall())
