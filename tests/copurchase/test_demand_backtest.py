"""What the shop's own past says of the intervals."""

import numpy as np
import pytest

from similarity.planning.demand_backtest import (
    HORIZON,
    UNCALIBRATED,
    Case,
    best_sellers,
    calibrate,
    needed,
    past_cases,
    series_of,
)
from similarity.planning.demand_expectation import Expectation, widened
from similarity.planning.demand_links import Link, LinkRule
from tests.copurchase.demand_series import MONDAY, weekly


@pytest.fixture(scope="module")
def sales():
    """Sixty-four items in pairs, whose shared share drifts: the past promises too much."""
    rng = np.random.default_rng(0)
    time = np.arange(80)
    units = np.zeros((64, 80))
    for pair in range(0, 64, 2):
        push = np.exp(0.7 * rng.normal(size=80))
        drift = np.exp(np.cumsum(0.12 * rng.normal(size=80)))
        units[pair] = rng.poisson(40 * push)
        units[pair + 1] = rng.poisson(25 * push * drift)
    return weekly(units * np.exp(0.3 * np.sin(time / 8)))


def test_widened_intervals_hold_what_they_say(sales):
    found = calibrate(sales)
    assert found.widen > 0.1
    assert found.cases >= 30
    assert found.covered == pytest.approx(0.8, abs=0.15)


def test_cases_know_nothing_of_what_followed(sales):
    """The same cases come of sales whose later weeks are something else."""
    other = weekly(np.concatenate([sales.units[:, :76], sales.units[:, :4]], axis=1))
    rule = LinkRule()
    one, two = ([c for c in past_cases(s, rule) if c.origin == 72] for s in (sales, other))
    assert [case.link for case in one] == [case.link for case in two]
    assert [case.expected for case in one] == [case.expected for case in two]
    assert one
    assert sales.units.shape[1] - HORIZON == max(case.origin for case in past_cases(sales, rule))


def test_a_short_past_is_told_as_such():
    found = calibrate(weekly(np.random.default_rng(1).poisson(9, (10, 20))))
    assert (found.widen, found.covered) == (UNCALIBRATED, None)


def test_widening_holds_the_share_asked_for():
    assert needed([float(at) for at in range(1, 10)], 0.8) == 8
    assert needed([-0.1] * 9, 0.8) == 0


@pytest.mark.parametrize(("sold", "score"), [(36, 1), (4, 1), (16, -1), (25, 0)])
def test_score_is_how_much_wider_on_the_scale_of_roots(sold, score):
    expected = Expectation(100, 4, 9, 16, 25, 0.8)
    assert Case(0, Link("a", "b", 0, 0.9, 0.0), expected, sold).score == pytest.approx(score)
    low, high = widened(9, 25, max(score, 0))
    assert low <= sold <= high


def test_series_in_line_with_the_lag():
    sales = weekly([[1, 2, 3, 4], [5, 6, 7, 8]], "ab")
    x, y = series_of(sales, Link("a", "b", 1, 0.9, 0.0))
    assert (x.tolist(), y.tolist()) == ([1, 2, 3], [6, 7, 8])


def test_best_sellers_keep_the_order_of_rows():
    found = best_sellers(weekly([[1], [9], [5]], "abc"), 2)
    assert (found.names, found.monday) == (("b", "c"), MONDAY)
