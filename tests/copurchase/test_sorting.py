"""Orders and sums made from packed whole numbers are those of the plain way."""

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from similarity.orders.counting import local
from tests.copurchase.baskets import RULE

some = st.lists(st.tuples(st.integers(-3, 3), st.integers(-400, 1010)), min_size=1, max_size=40)


@given(some, st.sampled_from([1000, 50_000]))
def test_baskets_come_by_shopper_and_from_the_newest(baskets, today):
    """Also when they are so old that their ages need more than 16 bits."""
    shopper = np.array([one for one, _ in baskets], np.int64)
    day = np.array([day for _, day in baskets], np.int32)
    number, shoppers = local.numbered(shopper)
    assert shoppers == len({one for one, _ in baskets})
    rule = dataclasses.replace(RULE, reference_day=today)
    order = local.by_shopper(number, shoppers, day, rule)
    found = [(shopper[at], max(today - day[at], 0)) for at in order]
    assert sorted(order.tolist()) == list(range(len(baskets)))
    assert found == sorted(found)


def test_no_baskets_have_no_order():
    number, shoppers = local.numbered(np.empty(0, np.int64))
    assert (len(number), shoppers) == (0, 0)
    assert len(local.by_shopper(number, shoppers, np.empty(0, np.int32), RULE)) == 0


def test_sums_of_runs():
    values = np.array([1, 2, 3, 4, 5], np.int32)
    assert local.run_sums(values, np.array([0, 2, 3])).tolist() == [3, 3, 9]


def test_occasions_of_repeats_begin_at_the_second():
    assert local.occasions(np.array([1, 2, 4])).tolist() == [2, 3, 2]
    assert local.occasions(np.array([0])).tolist() == [2]


def test_bits_hold_every_number_below():
    assert [local.bits(number) for number in (0, 1, 2, 3, 256, 257)] == [1, 1, 1, 2, 8, 9]
