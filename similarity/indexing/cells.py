"""The life of cells: made, kept in step with the vectors, measured, made anew, dropped.

Cells answer where HNSW cannot (a query far from its filter) and are made in a fraction of
its time: each row is compared with the means of its own category alone. Inverted files of
this kind are described in Jégou, Douze and Schmid, "Product Quantization for Nearest
Neighbor Search", 2011, whose coarse quantiser they are; here rows stay whole, and the host's
filter runs inside the scan.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from django.db import connections, transaction
from django.utils import timezone

from similarity import conf
from similarity.connections.locks import advisory_lock, is_held
from similarity.exceptions import VersionError
from similarity.indexing import cell_rows, clustering
from similarity.indexing.calibration import QUERIES, Calibration
from similarity.indexing.clustering import Cells, Floats
from similarity.models import EncoderVersion, ProductVectors
from similarity.models.cells import VectorCells, rows_table, sample_table

logger = logging.getLogger(__name__)

#: ``progress(phase, done, total)``
Progress = Callable[[str, int, int], None]

LOCK = "similarity.cells"

#: Rows a cell holds on average: fewer make centroids many, more make scans long.
PER_CELL = 125
#: Share of the neighbours that the rows a query looks at hold, as calibrated.
RECALL = 0.986
#: Writers share this lock and the last step of a build takes it alone, for a moment.
WRITERS = 0x53494D43  # "SIMC"
#: A set that was replaced may still be read by queries that began before; it goes later.
GRACE = timedelta(minutes=10)
#: Once so large a share of the rows was placed after the build, cells are made anew.
CHURNED = 0.3
#: Placing within the last step of a build goes back so far for writers that were slow.
OVERLAP = timedelta(minutes=10)


class CellsReport(NamedTuple):
    """``churn``: share of the rows that were placed since the cells were made."""

    rows: int
    cells: int
    churn: float
    figures: dict[str, Any]


def wanted(version: EncoderVersion, alias: str) -> bool:
    """Whether the version is large enough for cells."""
    least = conf.get("CELLS_FROM")
    if least is None or "fused" not in version.dimensions:
        return False
    rows = ProductVectors.objects.using(alias).of_version(version)
    return bool(rows[: int(least)].count() >= int(least))


def live(version: EncoderVersion, alias: str) -> VectorCells | None:
    """The set that answers queries, without its centroids; None where the version has none."""
    sets = VectorCells.objects.using(alias).filter(version=version, live=True)
    return sets.defer("centroids", "categories", "counts").first()


def build(version: EncoderVersion, alias: str, progress: Progress | None = None) -> VectorCells:
    """Make the version's cells anew from its stored vectors, and let queries use them.

    Vectors may be written meanwhile; what changes is placed before the cells are used.
    Raises :class:`VersionError` where the version has no vectors, and
    :class:`similarity.connections.locks.LockTaken` while another build is running.
    """
    with advisory_lock(LOCK, alias):
        started, clock = _now(alias), time.monotonic()
        sizes = _sizes(version, alias)
        if not sizes:
            raise VersionError(
                f"Version {version.pk} has no vectors to make cells of: run 'manage.py embed'."
            )
        tell = progress or (lambda phase, done, total: None)
        tell("cells", 0, 3)
        fitted, queries = _fit(version, alias, sizes)
        tell("cells", 1, 3)
        made = VectorCells.objects.using(alias).create(
            version=version,
            centroids=fitted.centroids.astype("<f2").tobytes(),
            categories=fitted.categories.astype("<i4").tobytes(),
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
            *(made.pk, version.pk, len(fitted.centroids)),
            *(made.figures["rows"], made.figures["build_s"]),
        )
        return made


def place(
    version: EncoderVersion, alias: str, keys: Sequence[Any], vectors: Floats, categories: list[int]
) -> None:
    """Put products whose vectors were just written, unit rows (N, D), into their cells.

    Called in the transaction that wrote them. A version without cells costs one query.
    """
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [WRITERS])
    current = live(version, alias)
    if current is not None and len(keys):
        cell = fitted_of(current.pk, alias).assign(
            np.asarray(vectors, dtype=np.float32), np.asarray(categories, dtype=np.int32)
        )
        cell_rows.place(current.pk, alias, keys, cell, version)


def tidy(version: EncoderVersion, alias: str) -> str:
    """Mend the standing cells, or make them anew once too much was placed; says what was done."""
    if not is_held(LOCK, alias):
        _clear(alias)
    current = live(version, alias)
    if current is None:
        return ""
    rows, placed = cell_rows.churn(current.pk, alias)
    if placed > CHURNED * max(1, rows):
        build(version, alias)
        return "made anew"
    fitted = fitted_of(current.pk, alias)
    for keys, vectors, categories in cell_rows.missing(current.pk, version, alias):
        cell_rows.place(current.pk, alias, keys, fitted.assign(vectors, categories), version)
    cell_rows.remove_orphans(current.pk, version, alias)
    return "mended"


def bytes_of(number: int, alias: str) -> int:
    """What a set's tables take on disk, with their indexes."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(pg_total_relation_size(to_regclass(%s)), 0) "
            "+ coalesce(pg_total_relation_size(to_regclass(%s)), 0)",
            [rows_table(number), sample_table(number)],
        )
        return int(cursor.fetchone()[0])


def report(version: EncoderVersion, alias: str) -> CellsReport | None:
    """What stands; None where the version has no cells."""
    current = live(version, alias)
    if current is None:
        return None
    rows, placed = cell_rows.churn(current.pk, alias)
    figures = current.figures
    return CellsReport(rows, figures.get("cells", 0), placed / max(1, rows), figures)


def drop(version: EncoderVersion, alias: str) -> None:
    """Every set of the version, with its tables."""
    for made in VectorCells.objects.using(alias).filter(version=version):
        discard(made, alias)


def discard(made: VectorCells, alias: str) -> None:
    """One set, with its tables."""
    cell_rows.drop(made.pk, alias)
    VectorCells.objects.using(alias).filter(pk=made.pk).delete()


@lru_cache(maxsize=2)
def fitted_of(number: int, alias: str) -> Cells:
    """The centroids of a set, which never change; read once a process."""
    made = VectorCells.objects.using(alias).get(pk=number)
    return Cells(made.centroid_rows(), made.category_numbers())


def _clear(alias: str) -> None:
    """Sets that were replaced a while ago, and what a killed build left behind."""
    sets = VectorCells.objects.using(alias)
    for old in sets.filter(live=False, created_at__lt=timezone.now() - GRACE):
        discard(old, alias)
    for number in cell_rows.numbers(alias) - set(sets.values_list("pk", flat=True)):
        cell_rows.drop(number, alias)


def _fit(
    version: EncoderVersion, alias: str, sizes: dict[int, int]
) -> tuple[Cells, cell_rows.Chunk]:
    """Cells learnt from a sample, and some of its rows as queries to calibrate by."""
    rows = sum(sizes.values())
    enough = clustering.ROWS_PER_MEAN * max(1, rows // PER_CELL) + 2000
    chunks = list(cell_rows.read(version, alias, 100.0 * enough / rows))
    chunks = chunks or list(cell_rows.read(version, alias))
    ids, categories, vectors = (np.concatenate(column) for column in zip(*chunks, strict=True))
    fitted = clustering.fit(vectors, categories, sizes, PER_CELL)
    chosen = np.random.default_rng(0).choice(len(ids), min(QUERIES, len(ids)), replace=False)
    return fitted, cell_rows.Chunk(ids[chosen], categories[chosen], vectors[chosen])


def _fill(
    made: VectorCells,
    version: EncoderVersion,
    alias: str,
    fitted: Cells,
    queries: cell_rows.Chunk,
    sizes: dict[int, int],
) -> None:
    calibration = Calibration(queries.vectors, queries.categories, queries.ids, sizes)
    ids, cell = [], []
    likeness = 0.0
    for chunk in cell_rows.read(version, alias):
        assigned = fitted.assign(chunk.vectors, chunk.categories)
        calibration.add(chunk.vectors, assigned, fitted.categories[assigned], chunk.ids)
        likeness += float(np.sum(chunk.vectors * fitted.centroids[assigned]))
        ids.append(chunk.ids)
        cell.append(assigned)
    every = np.concatenate(cell)
    counts = np.bincount(every, minlength=len(fitted.centroids)).astype(np.int32)
    cell_rows.fill(made, alias, np.concatenate(ids), every)
    made.counts = counts.astype("<i4").tobytes()
    made.figures = {
        "rows": len(every),
        "cells": len(counts),
        "likeness": round(likeness / max(1, len(every)), 4),
        "scan": calibration.figures(fitted, counts, RECALL),
    }
    made.save(using=alias, update_fields=["counts", "figures"])


def _use(made: VectorCells, version: EncoderVersion, alias: str, started: Any) -> None:
    """Place what changed during the build and make the set live, while no writer writes."""
    fitted = fitted_of(made.pk, alias)

    def catch_up(since: Any) -> None:
        for keys, vectors, categories in cell_rows.missing(made.pk, version, alias, since):
            cell_rows.place(made.pk, alias, keys, fitted.assign(vectors, categories), version)

    caught_up = _now(alias)
    catch_up(started - OVERLAP)
    with transaction.atomic(using=alias):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WRITERS])
        catch_up(caught_up - OVERLAP)
        sets = VectorCells.objects.using(alias).filter(version=version)
        sets.filter(live=True).update(live=False)
        sets.filter(pk=made.pk).update(live=True)
    made.live = True


def _sizes(version: EncoderVersion, alias: str) -> dict[int, int]:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"SELECT category, count(*) FROM {ProductVectors._meta.db_table} "  # noqa: S608
            "WHERE version_id = %s GROUP BY category",
            [version.pk],
        )
        return dict(cursor.fetchall())


def _now(alias: str) -> Any:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
