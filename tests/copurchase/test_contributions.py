"""What one shopper adds, worked out by hand: every engine is held against it."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from similarity.orders.counting.contributions import contributions
from similarity.orders.counting.engine import ONE
from tests.copurchase.baskets import RULE


def test_one_basket_adds_its_weight_to_its_items_and_pairs():
    items, pairs = contributions([(1000, "a", [3, 1, 2])], RULE)
    assert items == {1: (ONE, 1), 2: (ONE, 1), 3: (ONE, 1)}
    assert pairs == {(1, 2): (ONE, 1), (1, 3): (ONE, 1), (2, 3): (ONE, 1)}


def test_the_nth_most_recent_basket_adds_a_nth():
    """The newest in full, the one before by half: half a life older, that is a quarter."""
    baskets = [(970, "old", [1, 2]), (1000, "new", [1, 2]), (985, "other", [2, 3])]
    items, pairs = contributions(baskets, RULE)
    assert pairs[1, 2] == (ONE + ONE // 2 // 2, 2)
    assert pairs[2, 3][1] == 1
    between = round(ONE * 2**-0.5)
    assert items[2] == (ONE + between // 2 + ONE // 2 // 3, 3)


def test_an_item_twice_in_a_basket_counts_once():
    assert contributions([(1000, "a", [1, 1, 2])], RULE) == contributions(
        [(1000, "a", [1, 2])], RULE
    )


def test_a_basket_above_the_bound_counts_for_its_items_alone():
    rule = dataclasses.replace(RULE, max_basket=2)
    items, pairs = contributions([(1000, "a", [1, 2, 3]), (999, "b", [1, 2])], rule)
    assert {key: orders for key, (_, orders) in items.items()} == {1: 2, 2: 2, 3: 1}
    # The larger one is no occasion of the pair either: the other adds its whole weight.
    assert pairs == {(1, 2): (round(ONE * 2 ** (-1 / 30)), 1)}


def test_an_order_of_tomorrow_weighs_no_more_than_one_of_today():
    assert contributions([(1001, "a", [1])], RULE)[0] == {1: (ONE, 1)}


@given(
    st.lists(
        st.tuples(st.integers(900, 1005), st.text(max_size=2), st.lists(st.integers(0, 4))),
        max_size=8,
    ),
    st.randoms(),
)
def test_the_order_they_are_given_in_is_no_matter(baskets, dice):
    """Exactly once, and in any order: what a worker counts twice or late must come out equal."""
    shuffled = list(baskets)
    dice.shuffle(shuffled)
    assert contributions(shuffled, RULE) == contributions(baskets, RULE)
