"""Forecasts by hand, and that partners help where they can."""

import numpy as np
import pytest

from similarity.planning.forecast import (
    LinkedPartners,
    last_value,
    learned,
    moving_average,
    seasonal_naive,
)
from tests.copurchase.demand_series import weekly


def test_simple_forecasts_by_hand():
    units = [[1, 2, 3, 4, 5, 6, 7, 8]]
    assert last_value(units, 2).tolist() == [[8, 8]]
    assert seasonal_naive(units, 6).tolist() == [[5, 6, 7, 8, 5, 6]]
    assert moving_average(units, 2, weeks=4).tolist() == [[6.5, 6.5]]


@pytest.fixture
def led():
    """Every odd item sells what the even one before it sold a week earlier."""
    rng = np.random.default_rng(0)
    units = np.zeros((40, 60), np.int64)
    for row in range(0, 40, 2):
        units[row] = rng.poisson(40 * np.exp(0.8 * rng.normal(size=60)))
        units[row + 1] = np.concatenate([[40], units[row, :-1]])
    return weekly(units)


def test_partners_that_lead_make_the_forecast_better(led):
    past, sold = led.until(56), led.units[1::2, 56]
    leads = LinkedPartners(
        {f"product:{row + 1}": [(f"product:{row}", 1.0)] for row in range(0, 40, 2)}
    )
    alone = learned(past, 1).middle[1::2, 0]
    helped = learned(past, 1, leads).middle[1::2, 0]
    assert np.abs(helped - sold).sum() < 0.6 * np.abs(alone - sold).sum()


def test_partners_of_no_item_change_nothing(led):
    none = learned(led, 2, LinkedPartners({"product:gone": [("product:1", 1.0)]}))
    assert none.middle == pytest.approx(learned(led, 2).middle)


def test_intervals_hold_about_what_they_say():
    rng = np.random.default_rng(1)
    units = rng.poisson(30 * np.exp(0.4 * rng.normal(size=(300, 44))))
    made = learned(weekly(units[:, :40]), 4)
    held = (made.low <= units[:, 40:]) & (units[:, 40:] <= made.high)
    assert held.mean() == pytest.approx(0.8, abs=0.05)
    assert made.middle.shape == (300, 4)
    assert (made.low >= 0).all()
