"""Products among others than their own kind are found, with clusters whose answer is known."""

import numpy as np
import pytest

from similarity.encoders.base import unit_rows
from similarity.insights import misfiled

NAMES = ["Chairs", "Lamps", "Lamps > Floor lamps", "Rugs"]


@pytest.fixture
def catalogue():
    """Twelve products around each of three directions: chairs, lamps from row 12, rugs from 24."""
    rng = np.random.default_rng(7)
    centres = np.repeat(np.eye(3, 8), 12, axis=0)
    vectors = unit_rows(centres + rng.normal(scale=0.1, size=(36, 8)))
    return vectors, np.repeat([0, 1, 3], 12)


def outliers(vectors, codes, groups=None, names=NAMES):
    found = misfiled.nearest(vectors, groups or [str(row) for row in range(len(vectors))])
    return misfiled.misfiled(found, misfiled.shares(found, codes, names), codes, names)


def test_the_nearest_are_those_of_a_plain_sort(catalogue):
    vectors, _codes = catalogue
    cosine = vectors @ vectors.T
    np.fill_diagonal(cosine, -2)
    found = misfiled.nearest(vectors, list(range(36)), 5)
    assert np.array_equal(found.rows, np.argsort(-cosine, axis=1, kind="stable")[:, :5])


def test_variants_are_nobodys_neighbours(catalogue):
    """Five colours of a misfiled chair would vouch for each other."""
    vectors, _codes = catalogue
    found = misfiled.nearest(vectors, ["one"] * 12 + [str(row) for row in range(24)])
    assert found.rows[:12].min() >= 12
    assert not set(range(12)) & set(found.rows[0])


def test_a_product_without_neighbours_has_none():
    found = misfiled.nearest(unit_rows(np.eye(2)), ["same", "same"])
    assert found.rows.tolist() == [[-1], [-1]]
    assert misfiled.shares(found, np.array([0, 0]), ["a"]).tolist() == [[0.0], [0.0]]
    assert misfiled.nearest(unit_rows(np.eye(1)), ["one"]).rows.shape == (1, 0)


def test_the_misfiled_are_found_with_where_they_belong(catalogue):
    vectors, codes = catalogue
    assert outliers(vectors, codes) == []
    codes = codes.copy()
    codes[14] = 0  # a lamp filed under chairs
    [found] = outliers(vectors, codes)
    assert (found.row, NAMES[found.suggested]) == (14, "Lamps")
    assert (found.own, found.theirs, found.of) == (0, 10, 10)
    assert found.usual == 0
    assert set(found.nearest) <= set(range(12, 24))


def test_a_category_above_or_below_is_no_mistake(catalogue):
    vectors, codes = catalogue
    codes = codes.copy()
    codes[12:18] = 2  # half of the lamps are more exactly floor lamps
    assert outliers(vectors, codes) == []


def test_categories_that_are_mixed_anyway_surprise_nobody(catalogue):
    """Where chairs and lamps lie among each other, one more is no news."""
    vectors, codes = catalogue
    codes = codes.copy()
    codes[:24] = np.tile([0, 0, 1], 8)
    assert outliers(vectors, codes) == []


def test_a_category_of_few_is_not_judged(catalogue):
    """Four rugs among lamps: they have no neighbours of their own to be missed."""
    vectors, codes = catalogue
    codes = codes.copy()
    codes[codes == 3] = -1
    codes[12:16] = 3
    assert outliers(vectors, codes) == []


def test_without_categories_nothing_is_misfiled(catalogue):
    vectors, _codes = catalogue
    assert outliers(vectors, np.full(36, -1), names=[]) == []


def test_how_much_a_category_keeps_together(catalogue):
    vectors, codes = catalogue
    found = misfiled.nearest(vectors, list(range(36)))
    kept = misfiled.together(misfiled.shares(found, codes, NAMES), codes, NAMES)
    assert kept == pytest.approx([1.0, 1.0, None, 1.0])


def test_what_is_like_nothing_else_is_found(catalogue):
    vectors, _codes = catalogue
    lonely = np.zeros((1, 8), np.float32)
    lonely[0, 7] = 1
    every = np.concatenate([vectors, lonely])
    [found] = misfiled.alone(misfiled.nearest(every, list(range(37))))
    assert (found.row, found.suggested) == (36, -1)
    assert misfiled.alone(misfiled.nearest(vectors, list(range(36)))) == []


def test_equal_products_are_not_alone():
    vectors = unit_rows(np.ones((20, 3)))
    assert misfiled.alone(misfiled.nearest(vectors, list(range(20)))) == []
