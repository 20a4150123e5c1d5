"""The scores of a pair, against answers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from similarity.orders.counting import scores
from similarity.orders.counting.engine import ONE, ItemCounts, PairBlock

#: 1,000 baskets: 100 with a, 50 with b, 25 with both.
BOTH, A, B, ALL = (number * ONE for number in (25, 100, 50, 1000))


def test_support_confidence_lift_and_cosine_by_hand():
    assert scores.support(BOTH, ALL) == pytest.approx(0.025)
    assert scores.confidence(BOTH, A) == pytest.approx(0.25)
    assert scores.confidence(BOTH, B) == pytest.approx(0.5)
    assert scores.lift(BOTH, A, B, ALL) == pytest.approx(5.0)
    assert scores.cosine(BOTH, A, B) == pytest.approx(25 / np.sqrt(5000))


def test_log_likelihood_ratio_by_hand():
    """2 Σ observed × log(observed / expected) over the four cells."""
    observed = np.array([25, 75, 25, 875])
    expected = np.array([5, 95, 45, 855])
    by_hand = 2 * (observed * np.log(observed / expected)).sum()
    assert scores.log_likelihood_ratio(BOTH, A, B, ALL) == pytest.approx(by_hand)


def test_independent_items_have_no_likelihood_ratio_and_rarer_than_chance_a_negative_one():
    assert scores.log_likelihood_ratio(5 * ONE, A, B, ALL) == pytest.approx(0, abs=1e-9)
    assert scores.log_likelihood_ratio(1 * ONE, A, B, ALL) < -1
    assert scores.blend(1 * ONE, A, B, ALL) == 0


def test_nothing_counted_is_nothing_and_no_error():
    for value in (
        scores.support(0, 0),
        scores.confidence(0, 0),
        scores.lift(0, 0, 0, 0),
        scores.log_likelihood_ratio(0, 0, 0, 0),
        scores.blend(0, 0, 0, 0),
    ):
        assert value == 0


@given(st.integers(1, 400), st.integers(0, 400), st.integers(0, 400), st.integers(0, 10_000))
def test_the_score_is_in_its_range_and_needs_no_order_of_the_two(both, more_a, more_b, rest):
    a, b = both + more_a, both + more_b
    total = a + b - both + rest
    numbers = [number * ONE for number in (both, a, b, total)]
    score = float(scores.blend(*numbers))
    assert 0 <= score < 1
    assert score == pytest.approx(
        float(scores.blend(numbers[0], numbers[2], numbers[1], numbers[3]))
    )


def test_more_evidence_of_the_same_share_is_a_better_score():
    """Two baskets of two say less than forty of forty."""
    few = scores.blend(2 * ONE, 2 * ONE, 2 * ONE, ALL)
    many = scores.blend(40 * ONE, 40 * ONE, 40 * ONE, ALL)
    assert many > few


def test_a_cart_counts_its_rarer_items_more():
    partners = [{"x": 0.5}, {"y": 0.5}]
    found = scores.cart_scores(partners, [0.5, 0.01])
    assert 0 < found["x"] < found["y"] < 1


def test_partners_of_several_items_come_before_those_of_one():
    found = scores.cart_scores([{"x": 0.4, "y": 0.45}, {"x": 0.4}], [0.1, 0.1])
    assert found["x"] > found["y"]


def test_an_item_that_goes_with_everything_says_little_of_each():
    """One with many strong partners would else fill every cart's list with them."""
    hub = {"x": 0.5} | {f"other{n}": 0.5 for n in range(30)}
    found = scores.cart_scores([hub, {"y": 0.5}], [0.1, 0.1])
    assert found["x"] < found["y"]


def test_a_pair_always_together_and_as_sure_as_one_in_a_thousand_scores_half():
    always = scores.log_likelihood_ratio(2 * ONE, 2 * ONE, 2 * ONE, ALL)
    score = scores.blend(2 * ONE, 2 * ONE, 2 * ONE, ALL)
    assert score == pytest.approx(always / (10.83 + always))


def test_a_cart_of_one_keeps_the_score():
    assert scores.cart_scores([{"x": 0.4}], [0.1]) == pytest.approx({"x": 0.4})
    assert scores.cart_scores([{"x": 0.4}], [1.0]) == pytest.approx({"x": 0.4})
    assert scores.cart_scores([], []) == {}


def test_rank_keeps_the_best_of_each_and_pairs_of_enough_shoppers():
    block = PairBlock(
        first=np.array([0, 0, 0, 0, 3, 3], np.int32),
        second=np.array([1, 2, 3, 4, 0, 1], np.int32),
        weight=np.array([9, 5, 5, 20, 5, 1]) * ONE,
        orders=np.array([9, 5, 5, 20, 5, 1], np.int32),
        shoppers=np.array([9, 3, 4, 2, 4, 1], np.int32),
    )
    items = ItemCounts(np.full(5, 30) * ONE, np.full(5, 30, np.int32), np.full(5, 30, np.int32))
    best = scores.rank(block, items, 10_000 * ONE, most=2, min_shoppers=3)
    found = [(int(block.first[at]), int(block.second[at])) for at in best]
    # 4 is bought by two shoppers only; 2 and 3 are equal, and the smaller number is first.
    assert found == [(0, 1), (0, 2), (3, 0)]
    assert len(scores.rank(block, items, 10_000 * ONE, most=9, min_shoppers=9)) == 1
