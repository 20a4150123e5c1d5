"""As many rows as are measured hold the share of the neighbours that was asked for."""

import numpy as np
import pytest
from django.db import connection

from similarity.cells import calibration
from similarity.models import ProductVectors, VectorCells
from similarity.models.cells import rows_table

pytestmark = pytest.mark.django_db

QUERIES, K = 60, 24


@pytest.fixture
def looks(cells_catalogue):
    """The looks of some products at every cell, and the bits by which each row differs."""
    made = VectorCells.objects.get()
    stored = list(ProductVectors.objects.order_by("pk"))
    rows = np.array([row.fused for row in stored], dtype=np.float32)
    ids = np.array([row.pk for row in stored])
    every = np.arange(len(made.centroid_rows()))
    sketches = made.sketcher().sketches(rows)
    found = []
    for query in range(QUERIES):
        likeness = rows @ rows[query]
        likeness[query] = -np.inf
        nearest = np.argsort(-likeness)[:K]
        look = calibration.Look(1.0, 1.0, rows[query], every, ids[nearest])
        found.append((look, nearest, (sketches != sketches[query]).sum(axis=1)))
    return made, found


@pytest.mark.parametrize("recall", [0.5, 0.9, 0.99])
def test_the_depth_is_the_least_that_holds_the_share_of_the_neighbours_wanted(looks, recall):
    """Sketches differ by whole bits, so that many rows are as far and one step adds them all."""
    made, found = looks
    figures = calibration.depths(
        made, "default", (("depths", look) for look, *_others in found), recall
    )
    (depth,) = figures["depths"]
    ahead = np.concatenate(
        [(apart[None, :] <= apart[nearest][:, None]).sum(axis=1) for _look, nearest, apart in found]
    )
    few = 5 / len(ahead)  # a number on a threshold may fall to either side of it
    assert np.mean(ahead <= depth) >= recall - few
    assert np.mean(ahead <= depth - 1) <= recall + few


def test_a_filter_takes_those_in_the_way_out_too(looks):
    made, found = looks
    whole, tenth = (
        calibration.depths(
            made, "default", (("depths", look._replace(share=share)) for look, *_ in found), 0.9
        )["depths"][0]
        for share in (1.0, 0.1)
    )
    assert tenth == pytest.approx(whole / 10, abs=1)


def test_neighbours_in_other_cells_are_left_to_the_calibration_of_rows(looks):
    made, found = looks
    look = found[0][0]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT min(cell) FROM {rows_table(made.pk)} WHERE cell > 0")
        (cell,) = cursor.fetchone()
    apart = look._replace(cells=np.array([cell]), neighbours=look.neighbours[:0])
    figures = calibration.depths(made, "default", [("depths", apart)], 0.9)
    assert figures == {"depths": [0], "far_depths": [0]}
