"""Links are found where they were planted, and seldom where none is."""

import numpy as np
import pytest
from scipy import stats

from similarity.exceptions import DemandError
from similarity.planning.demand_links import (
    LinkRule,
    _discoveries,
    demand_links,
    lagged_correlations,
    p_values,
)
from similarity.planning.demand_residuals import residuals
from tests.copurchase.demand_series import linked_shop, shop, weekly

PLANTED = ("product:0", "product:1")


@pytest.mark.parametrize("lag", [0, 1, 3])
def test_a_planted_link_is_found_with_its_lag_and_direction(lag):
    links = demand_links(weekly(linked_shop(np.random.default_rng(lag), lag)))
    best = links[0]
    assert {best.leader, best.follower} == set(PLANTED)
    assert best.lag == lag
    assert best.correlation > 0.5
    if lag:
        assert (best.leader, best.follower) == PLANTED


def test_what_the_whole_shop_does_links_nothing():
    """A season that all share makes every plain correlation high; no link may come of it."""
    found, plain = 0, []
    for seed in range(10):
        units = shop(np.random.default_rng(seed))
        plain.append(np.corrcoef(np.log1p(units))[np.triu_indices(80, 1)].mean())
        found += len(demand_links(weekly(units)))
    assert min(plain) > 0.4
    assert found <= 3  # 5 in a hundred shops of this kind would have one at all


@pytest.mark.parametrize("items", [2, 7, 8, 12])
def test_few_categories_are_not_set_against_each_other_by_the_shop_they_are(items):
    found = 0
    for seed in range(8):
        units = shop(np.random.default_rng(100 + seed), items)
        found += len(demand_links(weekly(units)))
    assert found <= 1


def test_few_categories_with_a_link():
    units = linked_shop(np.random.default_rng(5), items=8)
    best = demand_links(weekly(units))[0]
    assert {best.leader, best.follower} == set(PLANTED)


def test_skewed_sales_give_p_values_that_are_true():
    """Bulk orders among zeros: of independent items, 1 % of pairs have p below 1 %."""
    rng = np.random.default_rng(3)
    sold = rng.random((150, 60)) < 0.6
    units = np.where(sold, np.exp(1.8 * rng.normal(size=(150, 60))) * 10, 0).astype(int)
    left = residuals(weekly(units))
    r, weeks = lagged_correlations(left.rows, left.rows, 0)
    p = p_values(r[np.triu_indices(150, 1)], np.float64(weeks), left.regressors)
    assert (p < 0.01).mean() == pytest.approx(0.01, abs=0.004)
    assert (p < 0.1).mean() == pytest.approx(0.1, abs=0.02)


def test_p_value_of_a_correlation_as_scipy_has_it():
    x, y = np.random.default_rng(5).normal(size=(2, 25))
    expected = stats.pearsonr(x, y)
    p = p_values(np.array([expected.statistic]), np.array([25.0]), 0)
    assert p[0] == pytest.approx(expected.pvalue)


def test_the_far_tail_is_true_too():
    """Of two million pairs of short independent series, a hundred thousandth is 20."""
    rng = np.random.default_rng(6)
    units = rng.poisson(8 * np.exp(0.5 * rng.normal(size=(2000, 40))))
    left = residuals(weekly(units))
    r, weeks = lagged_correlations(left.rows, left.rows, 0)
    p = p_values(r[np.triu_indices(2000, 1)], np.float64(weeks), left.regressors)
    assert 8 <= (p < 1e-5).sum() <= 35


def test_of_one_item_gives_its_links_alone():
    sales = weekly(linked_shop(np.random.default_rng(0)))
    links = demand_links(sales, of="product:1")
    assert {links[0].leader, links[0].follower} == set(PLANTED)
    assert all("product:1" in (link.leader, link.follower) for link in links)
    assert demand_links(sales, of="product:none") == []


def test_a_week_in_which_the_shop_was_closed_links_nothing():
    units = shop(np.random.default_rng(11))
    units[:, [20, 40]] = 0
    assert len(demand_links(weekly(units))) <= 1


def test_items_that_sell_too_seldom_are_not_judged():
    units = linked_shop(np.random.default_rng(0))
    units[1, 15:] = 0
    links = demand_links(weekly(units), LinkRule(min_weeks=20))
    assert not any("product:1" in (link.leader, link.follower) for link in links)


def test_lagged_correlation_by_numpy():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 30))
    for lag in (-2, 0, 2):
        r, weeks = lagged_correlations(x[None], y[None], lag)
        early, late = (x[: 30 - lag], y[lag:]) if lag >= 0 else (x[-lag:], y[: 30 + lag])
        assert weeks == 30 - abs(lag)
        assert r[0, 0] == pytest.approx(np.corrcoef(early, late)[0, 1])


def test_discoveries_as_scipy_has_them():
    rng = np.random.default_rng(2)
    for _ in range(50):
        p = np.sort(rng.random(40) ** rng.integers(1, 5))
        kept = int((stats.false_discovery_control(p) <= 0.05).sum())
        assert _discoveries(p, 40, 0.05) == kept


@pytest.mark.parametrize(
    ("rule", "told"), [({"max_lag": -1}, "max_lag"), ({"false_share": 1}, "false_share")]
)
def test_rules_that_cannot_be_are_refused(rule, told):
    with pytest.raises(DemandError, match=told):
        LinkRule(**rule)


def test_too_few_weeks_are_told():
    with pytest.raises(DemandError, match="There are 8 whole weeks"):
        demand_links(weekly(np.ones((3, 8))))
