"""Weeks without a product, and what they did to others."""

import numpy as np
import pytest

from similarity.planning.shortage import short_weeks, stock_out_effect
from tests.copurchase.demand_series import weekly

WEEKS = 50
OUT = [20, 21, 22]


def steady(rng, level=30):
    return rng.poisson(level, WEEKS)


def effect_of(x, y, rng):
    sales = weekly([x, y, *rng.poisson(200, (5, WEEKS))])
    return stock_out_effect(sales.of("product:0"), sales.of("product:1"), sales)


def test_a_run_without_sales_of_a_steady_seller_is_short():
    x = steady(np.random.default_rng(0))
    x[OUT] = 0
    assert np.nonzero(short_weeks(x, np.ones(WEEKS, bool)))[0].tolist() == OUT


@pytest.mark.parametrize("what", ["seldom sold", "not sold yet", "shop closed", "sold in batches"])
def test_weeks_without_sales_that_are_no_shortage(what):
    rng = np.random.default_rng(1)
    x, traded = steady(rng), np.ones(WEEKS, bool)
    if what == "seldom sold":
        x = rng.poisson(1, WEEKS)
    elif what == "not sold yet":
        x[:30] = 0
    elif what == "shop closed":
        x[OUT], traded[OUT] = 0, False
    else:
        x = np.where(np.arange(WEEKS) % 2, 60, 0)
    assert not short_weeks(x, traded).any()


@pytest.mark.parametrize(("factor", "change"), [(0.3, -0.7), (2.0, 1.0)])
def test_a_partner_that_falls_or_rises_is_told_with_figures(factor, change):
    rng = np.random.default_rng(2)
    x, y = steady(rng), steady(rng, 40).astype(float)
    x[OUT] = 0
    y[OUT] *= factor
    found = effect_of(x, y.astype(int), rng)
    assert found.weeks == 3
    assert found.missed == pytest.approx(30, rel=0.2)
    assert found.usual == pytest.approx(120, rel=0.15)
    assert found.change == pytest.approx(change, abs=0.3)
    assert found.p_value <= 0.05


def test_a_fall_of_the_whole_shop_is_no_effect():
    rng = np.random.default_rng(3)
    x, y = steady(rng), steady(rng, 40)
    others = rng.poisson(200, (5, WEEKS))
    x[OUT] = 0
    y[OUT] //= 2
    others[:, OUT] //= 2
    sales = weekly([x, y, *others])
    assert stock_out_effect(x, y, sales) is None


def test_products_that_have_nothing_in_common_are_seldom_warned_of():
    rng = np.random.default_rng(4)
    warned = 0
    for _ in range(200):
        x, y = steady(rng), rng.poisson(20 * np.exp(0.5 * rng.normal(size=WEEKS)))
        x[OUT] = 0
        warned += effect_of(x, y, rng) is not None
    assert warned <= 200 * 0.05 + 5
