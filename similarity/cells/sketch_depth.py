"""How many of the rows nearest by sketch must be compared exactly: measured on the catalogue.

Products whose true neighbours are known are queries. For each neighbour within the cells that
the query looks at, the rows of these cells are counted whose sketches are as near as its own;
of these those are in the way that the filter lets through, drawn at random.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connections

from similarity.cells.clustering import Floats
from similarity.models import ProductVectors
from similarity.models.cells import VectorCells, rows_table
from similarity.models.sketches import Sketcher

_VECTORS = ProductVectors._meta.db_table


class Look(NamedTuple):
    """A query ``vector`` (D,) at ``cells``, of whose rows the ``share`` passes.

    ``neighbours`` are the ids of its nearest rows that pass, some of which may lie elsewhere.
    ``case`` names the figure that this look is part of.
    """

    case: float
    share: float
    vector: Floats
    cells: npt.NDArray[np.intp]
    neighbours: npt.NDArray[np.int64]


def depths(
    made: VectorCells, alias: str, looks: Iterable[tuple[str, Look]], recall: float
) -> dict[str, list[int]]:
    """``depths`` and ``far_depths``: rows that pass to compare exactly, one for each case.

    ``looks`` come with the name of the list that their case is in, the cases in its order.
    The share ``recall`` of all neighbours of all queries is among so many.
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
    """Of each neighbour that lies in the cells: rows as near as it that pass, itself among them."""
    table = rows_table(number)
    sketch = sketcher.literals(look.vector[None])[0]
    distance = f"sketch <~> %s::bit({sketcher.bits})"
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"SELECT {distance} FROM {table} JOIN {_VECTORS} AS stored USING (product_id) "  # noqa: S608
            "WHERE stored.id = ANY(%s) AND cell = ANY(%s)",
            [sketch, look.neighbours.tolist(), look.cells.tolist()],
        )
        neighbours = [apart for (apart,) in cursor.fetchall()]
        cursor.execute(
            f"SELECT {distance} AS apart, count(*) FROM {table} WHERE cell = ANY(%s) "  # noqa: S608
            "GROUP BY apart ORDER BY apart",
            [sketch, look.cells.tolist()],
        )
        found = cursor.fetchall()
    if not found:  # all of its categories lie in the pool, which is nobody's
        return []
    aparts, counts = zip(*found, strict=True)
    nearer = np.cumsum(counts)[np.searchsorted(aparts, neighbours)]
    return np.maximum(dice.binomial(nearer, look.share), 1).astype(float).tolist()
