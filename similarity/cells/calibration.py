"""Calibration: how many rows a query must look at, measured while cells are made.

Some of the catalogue's own products are queries. Once every row has been added, the results of
a whole scan are known; then the rows of the nearest cells that hold them are counted. Their number
depends on the share of rows that pass a filter, so that share is simulated by leaving out rows at
random. It also depends on whether the query lies outside its filter, so some other categories are
searched as well. Sketches have a measurement of their own: how many rows to compare exactly.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connections
from psycopg.sql import SQL, Identifier

from similarity.cells.clustering import Cells, Numbers
from similarity.models.cells import VectorCells, rows_table
from similarity.models.sketches import Sketcher
from similarity.types import FloatArray

#: Products that are queries.
QUERIES = 128
#: Queries whose sketches are compared with all rows they look at, which takes longer.
SKETCHED_QUERIES = 64
#: Neighbours that each query must find.
NEIGHBOURS = 24
#: Shares of passing rows, each with a figure of its own.
SHARES = (1.0, 0.3, 0.1, 0.03, 0.01)
#: Shares for which the depth by sketch is measured: fewer passing rows need no more depth.
DEPTH_SHARES = (1.0, 0.1)
#: Shares of all rows in the categories that a query from outside is asked of.
FAR_SHARES = (0.02, 0.1, 0.5)
#: Fewest rows from which a figure for queries from outside is learnt.
FAR_ROWS = 500


class Look(NamedTuple):
    """A query ``vector`` (D,) that looks at ``cells``; the ``share`` of their rows passes.

    ``neighbours`` are the ids of its nearest passing rows; some may lie in other cells. ``case``
    names the figure that this look belongs to.
    """

    case: float
    share: float
    vector: FloatArray
    cells: npt.NDArray[np.intp]
    neighbours: npt.NDArray[np.int64]


class _Met(NamedTuple):
    """M pairs of a query and a row, by query: (M,) each, with the row's cell and id."""

    query: npt.NDArray[np.intp]
    row: npt.NDArray[np.intp]
    likeness: FloatArray
    cells: Numbers
    ids: npt.NDArray[np.int64]


def depths(
    made: VectorCells, alias: str, looks: Iterable[tuple[str, Look]], recall: float
) -> dict[str, list[int]]:
    """Return ``depths`` and ``far_depths``: passing rows to compare exactly, for each case.

    ``looks`` come with the name of their case's list, in the order of the cases. That many rows
    contain the share ``recall`` of all neighbours of all queries.
    """
    sketcher, dice = made.sketcher(), np.random.default_rng(0)
    found: dict[str, dict[float, list[float]]] = {"depths": {}, "far_depths": {}}
    for name, look in looks:
        found[name].setdefault(look.case, []).extend(_ahead(made.pk, sketcher, alias, look, dice))
    figures = {
        name: [int(np.ceil(np.quantile(ahead, recall))) if ahead else 0 for ahead in cases.values()]
        for name, cases in found.items()
    }
    return figures | {"far_depths": figures["far_depths"] or figures["depths"][:1]}


def _ahead(
    number: int, sketcher: Sketcher, alias: str, look: Look, dice: np.random.Generator
) -> list[float]:
    """Return for each neighbour in the cells the passing rows as near as it, including itself."""
    table = Identifier(rows_table(number))
    sketch = sketcher.literals(look.vector[None])[0]
    distance = SQL("sketch <~> %s::bit({})").format(int(sketcher.bits))
    with connections[alias].cursor() as cursor:
        cursor.execute(
            SQL(
                "SELECT {} FROM {} JOIN similarity_productvectors AS stored USING (product_id) "
                "WHERE stored.id = ANY(%s) AND cell = ANY(%s)"
            ).format(distance, table),
            [sketch, look.neighbours.tolist(), look.cells.tolist()],
        )
        neighbours = [apart for (apart,) in cursor.fetchall()]
        cursor.execute(
            SQL(
                "SELECT {} AS apart, count(*) FROM {} WHERE cell = ANY(%s) "
                "GROUP BY apart ORDER BY apart"
            ).format(distance, table),
            [sketch, look.cells.tolist()],
        )
        found = cursor.fetchall()
    if not found:  # all categories of this look lie in the pool, whose cells are never chosen
        return []
    aparts, counts = zip(*found, strict=True)
    nearer = np.cumsum(counts)[np.searchsorted(aparts, neighbours)]
    return np.maximum(dice.binomial(nearer, look.share), 1).astype(float).tolist()


class Calibration:
    """A measurement: add all rows (unit, float32) once, in pieces, then read :meth:`figures`.

    ``queries`` (Q, D) are products of the ``categories`` (Q,). Their ``ids`` (Q,) exclude each
    query from its own neighbours.
    """

    def __init__(
        self,
        queries: FloatArray,
        categories: Numbers,
        ids: npt.NDArray[np.int64],
        sizes: Mapping[int, int],
        seed: int = 0,
    ) -> None:
        self._dice = np.random.default_rng(seed)
        self._queries, self._ids = queries, ids
        self._elsewhere = {
            share: found
            for share in FAR_SHARES
            if (found := self._other_categories(categories, sizes, share)) is not None
        }
        shape = (len(queries), NEIGHBOURS)
        cases = [*SHARES, *(("far", share) for share in self._elsewhere)]
        self._likeness = {case: np.full(shape, -np.inf, dtype=np.float32) for case in cases}
        self._cells = {case: np.full(shape, -1, dtype=np.int32) for case in cases}
        self._found = {case: np.full(shape, -1, dtype=np.int64) for case in cases}

    def add(
        self, rows: FloatArray, cells: Numbers, categories: Numbers, ids: npt.NDArray[np.int64]
    ) -> None:
        """Add N rows, with the cell of each, that cell's category, and each row's id."""
        likeness = self._queries @ rows.T
        likeness[self._ids[:, None] == ids[None, :]] = -np.inf
        # Select once every row that may be among the best of any case: few are, after the first
        # piece.
        least = np.min([kept.min(axis=1) for kept in self._likeness.values()], axis=0)
        query, row = np.nonzero(likeness > least[:, None])
        met = _Met(query, row, likeness[query, row], cells[row], ids[row])
        order = self._dice.random(len(rows))
        for share in SHARES:
            self._keep(share, met, order[row] < share)
        for share, (names, chosen) in self._elsewhere.items():
            at = np.minimum(np.searchsorted(names, categories), len(names) - 1)
            known = names[at] == categories
            self._keep(("far", share), met, chosen[query, at[row]] & known[row])

    def figures(self, cells: Cells, counts: Numbers, recall: float) -> dict[str, Any]:
        """Return ``shares`` and the ``rows`` to look at for each; ``far_shares`` and ``far_rows``.

        ``depth_shares`` are the shares of :meth:`looks`. ``counts`` (C,) are the rows of each cell.
        Rows are counted cell by cell, the nearest first; that many contain the share ``recall`` of
        all neighbours of all queries.
        """
        nearness = self._queries @ cells.centroids.T
        rows = [self._quantile(self._needed(share, nearness, counts), recall) for share in SHARES]
        far = {
            share: self._quantile(
                self._needed(("far", share), self._from_afar(share, nearness, cells), counts),
                recall,
            )
            for share in self._elsewhere
        }
        # Fewer rows are needed the more rows pass, or the fewer there are to look at. Noise must
        # not reverse that order.
        return {
            "shares": list(SHARES),
            "rows": np.maximum.accumulate(rows).tolist(),
            "far_shares": list(far) or [1.0],
            "far_rows": np.maximum.accumulate(list(far.values()) or [rows[0]]).tolist(),
            "depth_shares": list(DEPTH_SHARES),
            "recall": recall,
        }

    def looks(
        self, cells: Cells, counts: Numbers, figures: Mapping[str, Any]
    ) -> Iterator[tuple[str, Look]]:
        """Yield the look of each query by these ``figures``, for ``depths`` and ``far_depths``."""
        nearness = self._queries @ cells.centroids.T
        needed = dict(zip(figures["shares"], figures["rows"], strict=True))
        for share in DEPTH_SHARES:
            yield from self._looks("depths", share, share, nearness, counts, needed[share])
        needed = dict(zip(figures["far_shares"], figures["far_rows"], strict=True))
        for share in self._elsewhere:
            within = self._from_afar(share, nearness, cells)
            yield from self._looks("far_depths", share, 1.0, within, counts, needed[share])

    def _looks(
        self,
        name: str,
        case: float,
        share: float,
        nearness: FloatArray,
        counts: Numbers,
        rows: float,
    ) -> Iterator[tuple[str, Look]]:
        found = self._found[("far", case) if name == "far_depths" else case]
        for query, near in enumerate(nearness[:SKETCHED_QUERIES]):
            order = np.argsort(-near)[: int(np.isfinite(near).sum())]
            last = int(np.searchsorted(np.cumsum(counts[order]), rows)) + 1
            neighbours = found[query][found[query] >= 0]
            yield name, Look(case, share, self._queries[query], order[:last], neighbours)

    def _from_afar(self, share: float, nearness: FloatArray, cells: Cells) -> FloatArray:
        """Return (Q, C) the ``nearness`` of the cells each query is asked of; other cells -inf."""
        names, chosen = self._elsewhere[share]
        asked = _among(names, chosen, cells.categories)
        return np.where(asked, nearness, np.float32(-np.inf))

    def _other_categories(
        self, own: Numbers, sizes: Mapping[int, int], share: float
    ) -> tuple[Numbers, npt.NDArray[np.bool_]] | None:
        """Return names (G,) of all categories, and (Q, G) the categories each query is asked of.

        They are drawn at random until they hold the share of all rows, without the query's own
        category. None if that leaves too few rows.
        """
        names = np.array(sorted(sizes), dtype=np.int32)
        rows = np.array([sizes[int(name)] for name in names])
        chosen = np.zeros((len(own), len(names)), dtype=bool)
        for query, category in enumerate(own):
            order = self._dice.permutation(np.flatnonzero(names != category))
            # At least one category, however large it is.
            enough = 1 + int(np.searchsorted(np.cumsum(rows[order]), share * rows.sum()))
            chosen[query, order[:enough]] = True
        few = bool((chosen @ rows < FAR_ROWS).any())
        return None if few or len(names) < 2 else (names, chosen)

    def _keep(self, case: Any, met: "_Met", passing: npt.NDArray[np.bool_]) -> None:
        """Update each query's best rows of ``case`` with those pairs of ``met`` that pass."""
        kept = self._likeness[case]
        better = np.flatnonzero(passing & (met.likeness > kept.min(axis=1)[met.query]))
        starts = np.searchsorted(met.query[better], np.arange(len(kept) + 1))
        for query in np.flatnonzero(np.diff(starts)):
            new = better[starts[query] : starts[query + 1]]
            both = np.concatenate([kept[query], met.likeness[new]])
            best = np.argpartition(-both, NEIGHBOURS - 1)[:NEIGHBOURS]
            cells = np.concatenate([self._cells[case][query], met.cells[new]])
            found = np.concatenate([self._found[case][query], met.ids[new]])
            self._cells[case][query], self._found[case][query] = cells[best], found[best]
            kept[query] = both[best]

    def _needed(self, case: Any, nearness: FloatArray, counts: Numbers) -> FloatArray:
        """Return (N,) the rows looked at until each neighbour of each query is found."""
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
    def _quantile(needed: FloatArray, recall: float) -> int:
        return int(np.quantile(needed, recall)) if len(needed) else 0


def _among(
    names: Numbers, chosen: npt.NDArray[np.bool_], categories: Numbers
) -> npt.NDArray[np.bool_]:
    """Return (Q, C) True where the category of a cell is among those chosen for a query.

    Cells of the pool are never chosen, because small categories are scanned exactly.
    """
    at = np.minimum(np.searchsorted(names, categories), len(names) - 1)
    return np.asarray(chosen[:, at] & (names[at] == categories), dtype=bool)
