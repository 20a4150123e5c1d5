"""Sketches tell how near two rows lie, alike in Python and in PostgreSQL."""

import numpy as np
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from similarity.models import sketches
from similarity.models.cells import VectorCells

DIMENSION = 32


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def rows():
    """Far from even: the first numbers are large, and all rows lie on one side of the origin."""
    dice = np.random.default_rng(2)
    spread = 1 / np.arange(1, DIMENSION + 1) ** 0.6
    return unit(1.5 * spread + dice.normal(size=(4000, DIMENSION)) * spread)


@pytest.fixture(scope="module")
def sketcher(rows):
    return sketches.fit(rows)


def test_the_rotation_keeps_lengths_and_levels_are_equally_full(sketcher, rows):
    turned = (rows @ sketcher.rotations).reshape(len(rows), -1, DIMENSION)
    assert np.linalg.norm(turned, axis=2) == pytest.approx(np.ones(turned.shape[:2]), abs=2e-3)
    levels, numbers = sketcher.thresholds.shape
    above = sketcher.sketches(rows).reshape(len(rows), levels, numbers).mean(axis=0)
    shares = 1 - np.arange(1, levels + 1) / (levels + 1)
    assert above == pytest.approx(np.repeat(shares[:, None], numbers, axis=1), abs=0.01)


@pytest.mark.parametrize(
    ("dimension", "bits"), [(24, 1512), (256, 1536), (384, 1536), (1800, 1800)]
)
def test_sketches_are_of_about_the_same_size_whatever_the_dimension(dimension, bits):
    dice = np.random.default_rng(1)
    assert sketches.fit(unit(dice.normal(size=(50, dimension)))).bits == bits


def test_differing_bits_count_the_levels_between_two_rows(sketcher, rows):
    bits = sketcher.sketches(rows[:50])
    levels = bits.reshape(50, *sketcher.thresholds.shape).sum(axis=1)
    for row in range(1, 50):
        assert (bits[0] != bits[row]).sum() == np.abs(levels[0] - levels[row]).sum()


def test_the_nearest_by_sketch_hold_the_nearest(sketcher, rows):
    """Nearly all of the 24 nearest are among the 120 nearest by sketch, of 4,000."""
    held = []
    bits = sketcher.sketches(rows)
    for query in range(40):
        nearest = np.argsort(-(rows @ rows[query]))[1:25]
        by_sketch = np.argsort((bits != bits[query]).sum(axis=1), kind="stable")[:120]
        held.append(np.isin(nearest, by_sketch).mean())
    assert np.mean(held) > 0.97


@given(
    arrays.arrays(np.float32, (3, DIMENSION), elements=st.floats(-1, 1, width=32)).filter(
        lambda found: (np.linalg.norm(found, axis=1) > 0.1).all()
    )
)
def test_packed_and_written_sketches_are_the_same(sketcher, found):
    one = unit(found)
    bits = sketcher.sketches(one)
    packed = np.unpackbits(sketcher.packed(one), axis=1, count=sketcher.bits).astype(bool)
    assert (packed == bits).all()
    written = [[digit == "1" for digit in text] for text in sketcher.literals(one)]
    assert (np.array(written) == bits).all()


def test_a_sketcher_read_back_makes_the_same_sketches(sketcher, rows):
    kept = VectorCells(
        centroids=np.zeros((2, DIMENSION), "<f2").tobytes(),
        categories=np.zeros(2, "<i4").tobytes(),
        rotations=sketcher.rotations.astype("<f2").tobytes(),
        thresholds=sketcher.thresholds.astype("<f4").tobytes(),
    ).sketcher()
    assert (kept.sketches(rows) == sketcher.sketches(rows)).all()


@pytest.mark.django_db
def test_postgresql_counts_the_same_bits(sketcher, rows):
    bits, texts = sketcher.sketches(rows[:2]), sketcher.literals(rows[:2])
    with connection.cursor() as cursor:
        kind = f"bit({sketcher.bits})"
        cursor.execute(f"SELECT %s::{kind} <~> %s::{kind}", texts)
        assert cursor.fetchone()[0] == (bits[0] != bits[1]).sum()


def test_many_rows_are_packed_in_blocks_and_none_too(sketcher, rows):
    some = rows[: 2 * sketches.BLOCK + 3]
    assert (sketcher.packed(some) == np.packbits(sketcher.sketches(some), axis=1)).all()
    assert sketcher.packed(rows[:0]).shape == (0, sketcher.packed(rows[:1]).shape[1])


def test_one_row_is_enough_to_fit():
    row = unit(np.ones((1, 5)))
    assert sketches.fit(row).bits == pytest.approx(sketches.BITS, abs=15)
