"""What a sample says of a filter, and how far a category is believed by itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from similarity.similar.candidates import _rates


@settings(max_examples=60)
@given(
    sampled=st.lists(st.integers(0, 200), min_size=1, max_size=60),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**16),
)
def test_rates_are_shares(sampled, share, seed):
    sampled = np.array(sampled)
    passing = np.random.default_rng(seed).binomial(sampled, share)
    rates = _rates(passing, sampled.astype(np.float32))
    assert np.isfinite(rates).all()
    assert (rates >= 0).all()
    assert (rates <= 1).all()


def test_where_categories_do_not_differ_none_is_written_off_for_its_few_rows():
    """5 % pass everywhere: of 27 sampled rows there are often none, by chance alone."""
    dice = np.random.default_rng(1)
    sampled = np.full(300, 27.0)
    rates = _rates(dice.binomial(27, 0.05, size=300), sampled)
    assert rates.min() > 0.02
    assert rates.max() < 0.12


def test_where_one_category_is_asked_for_the_others_are_written_off():
    sampled = np.full(300, 27.0)
    passing = np.zeros(300, dtype=int)
    passing[7] = 26
    rates = _rates(passing, sampled)
    assert rates[7] > 0.9
    assert np.delete(rates, 7).max() < 0.05 * passing.sum() / sampled.sum()


@pytest.mark.parametrize("passing", [0, 27])
def test_nothing_and_everything(passing):
    rates = _rates(np.full(10, passing), np.full(10, 27.0))
    assert rates == pytest.approx(passing / 27)
