"""What is measured while cells are made is what a whole scan finds."""

import numpy as np
import pytest

from similarity.cells import calibration, clustering

ROWS, DIMENSION = 9000, 12


@pytest.fixture(scope="module")
def measured():
    dice = np.random.default_rng(4)
    categories = dice.integers(1, 3, size=ROWS).astype(np.int32)  # two, each large enough
    rows = dice.normal(size=(ROWS, DIMENSION)).astype(np.float32)
    rows += 2 * (categories[:, None] == np.arange(1, 1 + DIMENSION))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    sizes = dict(zip(*np.unique(categories, return_counts=True), strict=True))
    cells = clustering.fit(rows, categories, sizes, per_cell=60)
    assigned = cells.assign(rows, categories)
    queries = np.arange(calibration.QUERIES)
    seen = calibration.Calibration(rows[queries], categories[queries], queries, sizes)
    for start in range(0, ROWS, 2000):
        piece = np.arange(start, min(start + 2000, ROWS))
        own = cells.categories[assigned[piece]]
        seen.add(rows[piece], assigned[piece], own, piece)
    counts = np.bincount(assigned, minlength=len(cells.centroids)).astype(np.int32)
    return rows, categories, cells, assigned, counts, seen


def recall(rows, cells, assigned, counts, looked_at, mask):
    """Of the true neighbours of the queries among the rows of ``mask``, by cells alone."""
    found = []
    for query in range(calibration.QUERIES):
        passing = mask(query)
        likeness = np.where(passing, rows @ rows[query], -np.inf)
        likeness[query] = -np.inf
        truth = np.argsort(-likeness)[: calibration.NEIGHBOURS]
        holds = np.bincount(assigned[passing], minlength=len(counts)) > 0
        order = np.argsort(-np.where(holds, cells.centroids @ rows[query], -np.inf))
        last = int(np.searchsorted(np.cumsum(counts[order]), looked_at)) + 1
        found.append(np.isin(assigned[truth], order[:last]).mean())
    return float(np.mean(found))


@pytest.mark.parametrize("wanted", [0.9, 0.98])
def test_the_rows_it_asks_for_give_the_recall_wanted(measured, wanted):
    rows, _categories, cells, assigned, counts, seen = measured
    figures = seen.figures(cells, counts, wanted)
    dice = np.random.default_rng(5)
    for share, looked_at in zip(figures["shares"][:3], figures["rows"][:3], strict=True):
        passing = dice.random(ROWS) < share
        got = recall(rows, cells, assigned, counts, looked_at, lambda query, p=passing: p)
        assert got == pytest.approx(wanted, abs=0.03)


def test_far_from_its_filter_a_query_is_given_what_that_takes(measured):
    rows, categories, cells, assigned, counts, seen = measured
    figures = seen.figures(cells, counts, 0.97)
    assert figures["far_shares"][-1] == 0.5
    far = figures["far_rows"][-1]
    got = recall(rows, cells, assigned, counts, far, lambda query: categories != categories[query])
    assert got >= 0.95


def test_fewer_that_pass_need_more_rows(measured):
    _rows, _categories, cells, _assigned, counts, seen = measured
    rows = seen.figures(cells, counts, 0.98)["rows"]
    assert rows == sorted(rows)
    assert rows[-1] > rows[0]
