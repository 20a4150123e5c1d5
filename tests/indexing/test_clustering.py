"""Cells are as good as k-means makes them, and every row has exactly one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from similarity.cells import clustering


def clouds(dice, centres, each, spread=0.2):
    rows = np.repeat(centres, each, axis=0) + spread * dice.normal(size=(len(centres) * each, 16))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_separate_clouds_become_cells_of_their_own():
    dice = np.random.default_rng(1)
    rows = clouds(dice, np.eye(6, 16), 50, spread=0.05)
    # The likeness of rows to their means cannot be better than with the true clouds.
    best = max(
        (clustering.k_means(rows, 6, np.random.default_rng(seed)) for seed in range(20)),
        key=lambda means: float(np.max(rows @ means.T, axis=1).mean()),
    )
    cell = clustering.nearest(rows, best).reshape(6, 50)
    assert all(len(set(cloud)) == 1 for cloud in cell)
    assert len({cloud[0] for cloud in cell}) == 6


@settings(max_examples=40)
@given(seed=st.integers(0, 2**16), sizes=st.lists(st.integers(1, 300), min_size=1, max_size=6))
def test_every_row_lies_in_the_nearest_cell_of_its_category(seed, sizes):
    dice = np.random.default_rng(seed)
    categories = np.repeat(np.arange(10, 10 + len(sizes)), sizes).astype(np.int32)
    rows = clouds(dice, dice.normal(size=(len(categories), 16)), 1)
    own = dict(zip(range(10, 10 + len(sizes)), sizes, strict=True))
    cells = clustering.fit(rows, categories, own, per_cell=20)
    assert np.allclose(np.linalg.norm(cells.centroids, axis=1), 1, atol=1e-4)
    assigned = cells.assign(rows, categories)
    for row, category, cell in zip(rows, categories, assigned, strict=True):
        name = category if own[category] >= 20 else clustering.POOL
        assert cells.categories[cell] == name
        mine = np.flatnonzero(cells.categories == name)
        assert row @ cells.centroids[cell] >= np.max(cells.centroids[mine] @ row) - 1e-5


def test_a_category_nobody_knew_goes_to_the_pool_or_anywhere():
    dice = np.random.default_rng(2)
    rows = clouds(dice, dice.normal(size=(200, 16)), 1)
    without_pool = clustering.fit(rows, np.full(200, 7, np.int32), {7: 200}, per_cell=20)
    new = np.full(200, 99, np.int32)
    assert np.array_equal(
        without_pool.assign(rows, new), clustering.nearest(rows, without_pool.centroids)
    )
    mixed = np.where(np.arange(200) < 190, 7, 8).astype(np.int32)
    with_pool = clustering.fit(rows, mixed, {7: 190, 8: 10}, per_cell=20)
    assert set(with_pool.categories[with_pool.assign(rows, new)]) == {clustering.POOL}


def test_cells_are_about_as_many_as_wanted_in_one_level_and_in_two():
    dice = np.random.default_rng(3)
    rows = clouds(dice, dice.normal(size=(6000, 16)), 1)
    none = np.zeros(6000, np.int32)
    for rows_there, wanted in ((6000, 48), (60_000, 480)):
        cells = clustering.fit(rows, none, {0: rows_there}, per_cell=125)
        assert len(cells.centroids) == pytest.approx(wanted, rel=0.15)
