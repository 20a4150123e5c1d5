"""Intervals hold as often as they say."""

import numpy as np
import pytest

from similarity.exceptions import DemandError
from similarity.planning.demand_expectation import (
    MAX_SPAN_WEEKS,
    line_through,
    orders_with,
    span_weeks,
    units_of,
)


def test_interval_of_units_holds_what_is_sold_next():
    """Pairs that are not chosen for their past: the raw interval is about right."""
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(300):
        x = rng.poisson(30 * np.exp(0.5 * rng.normal(size=64)))
        y = rng.poisson(0.5 * x + 10)
        found = units_of(x[:60], y[:60], x[60:].sum(), weeks=4, seed=seed)
        held += found.low <= y[60:].sum() <= found.high
    assert held / 300 == pytest.approx(0.8, abs=0.07)


def test_middle_is_the_line_and_the_interval_lies_about_it():
    x = np.tile([10, 20, 30, 40], 6)
    found = units_of(x, 2 * x + 1, 100, weeks=4)
    assert found.expected == pytest.approx(204)
    # The line leaves nothing, and a count of 204 still scatters by its root.
    assert (found.low, found.high) == (
        pytest.approx(204 - 1.2816 * 204**0.5, abs=0.01),
        pytest.approx(204 + 1.2816 * 204**0.5, abs=0.01),
    )


def test_one_bulk_order_does_not_tilt_the_line():
    rng = np.random.default_rng(1)
    x = rng.poisson(30, 40)
    y = rng.poisson(0.5 * x)
    y[17] += 3000
    assert units_of(x, y, 120, weeks=4).expected == pytest.approx(60, rel=0.4)


def test_line_through_is_least_squares_without_bulk_orders():
    x = np.arange(1, 21)
    assert line_through(x, 3 * x + 2) == (pytest.approx(3), pytest.approx(2))
    bulk = np.where(x == 10, 10_000, 3 * x + 2)
    assert line_through(x, bulk)[0] == pytest.approx(3, rel=0.1)


def test_widen_moves_the_roots_apart():
    rng = np.random.default_rng(2)
    x, y = rng.poisson(50, (2, 40))
    plain, wide = units_of(x, y, 200), units_of(x, y, 200, widen=2)
    assert wide.expected == plain.expected
    assert wide.high**0.5 == pytest.approx(plain.high**0.5 + 2)
    assert wide.low**0.5 == pytest.approx(plain.low**0.5 - 2)


def test_never_below_nothing():
    rng = np.random.default_rng(3)
    x = rng.poisson(5, 40)
    found = units_of(x, rng.poisson(0.2, 40), 1, weeks=1, widen=5)
    assert 0 <= found.low <= found.expected <= found.high


def test_the_same_question_has_the_same_answer():
    x, y = np.random.default_rng(4).poisson(20, (2, 30))
    assert units_of(x, y, 50) == units_of(x, y, 50)


@pytest.mark.parametrize(("sold", "weeks"), [(100, 10), (3, 1), (10**6, MAX_SPAN_WEEKS)])
def test_span_is_how_long_it_takes_at_the_present_pace(sold, weeks):
    assert span_weeks([500] * 20 + [10] * 8, sold) == weeks


@pytest.mark.parametrize(("x", "y"), [([1] * 5, [1] * 5), ([1] * 20, [1] * 19)])
def test_series_that_cannot_be_compared_are_refused(x, y):
    with pytest.raises(DemandError, match="cannot be compared"):
        units_of(x, y, 10)


@pytest.mark.parametrize("drift", [0.0, 0.5])
def test_interval_of_orders_holds_also_where_the_rate_drifts(drift):
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        weeks = 1 / (1 + np.exp(-(-1 + drift * rng.normal(size=31))))
        orders = rng.poisson(25, 31)
        both = rng.binomial(orders, weeks)
        found = orders_with(both[:30], orders[:30], of=int(orders[30]))
        held += found.low <= both[30] <= found.high
    # Whole numbers: an interval of few orders holds a little more than it says.
    assert 0.77 <= held / 400 <= 0.93


def test_orders_with_by_hand():
    found = orders_with([25] * 40, [100] * 40)
    assert found.expected == pytest.approx(25, abs=0.1)
    # Binomial(100, ¼) has a deviation of 4.33; ±1.28 of them hold 80 %.
    assert (found.low, found.high) == (pytest.approx(19.5, abs=1), pytest.approx(30.5, abs=1))


def test_an_item_nobody_ordered_has_no_rate():
    with pytest.raises(DemandError, match="in no order"):
        orders_with([0], [0])
