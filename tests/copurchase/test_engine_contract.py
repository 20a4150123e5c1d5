"""Every engine counts what the definition says, to the last digit."""

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from similarity.orders.counting.engine import ONE, basket_weight, basket_weights
from similarity.orders.counting.local import LocalEngine
from tests.copurchase.baskets import RULE, as_dicts, by_definition, columns, some_baskets

ENGINES = [LocalEngine]


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.__name__)
def engine(request):
    return request.param()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(baskets=some_baskets(), most=st.integers(1, 8), half_life=st.sampled_from([1.0, 30.0, 1e6]))
def test_counts_are_those_of_the_definition(engine, baskets, most, half_life):
    rule = dataclasses.replace(RULE, max_basket=most, half_life_days=half_life)
    counts = engine.count(columns(baskets, 7), rule)
    items, pairs = as_dicts(counts)
    assert (items, pairs) == by_definition(baskets, rule)
    assert counts.baskets == len(baskets)
    assert counts.total_weight == sum(basket_weight(day, rule) for _, day, _ in baskets)


def test_no_baskets_are_no_counts(engine):
    items, pairs = as_dicts(engine.count(columns([], 3), RULE))
    assert (items, pairs) == ({}, {})


def test_a_shoppers_habit_does_not_speak_for_everybody(engine):
    """Ten weekly baskets of one shopper weigh less than three of three shoppers."""
    habit = [(1, 1000, [0, 1])] * 10
    shared = [(shopper, 1000, [2, 3]) for shopper in (2, 3, 4)]
    _, pairs = as_dicts(engine.count(columns(habit + shared, 4), RULE))
    assert pairs[0, 1][1:] == [10, 1]
    assert pairs[2, 3] == [3 * ONE, 3, 3]
    assert ONE * 2 < pairs[0, 1][0] < ONE * 3


def test_a_resellers_basket_makes_no_pairs(engine):
    rule = dataclasses.replace(RULE, max_basket=3)
    items, pairs = as_dicts(engine.count(columns([(1, 1000, [0, 1, 2, 3])], 4), rule))
    assert len(items) == 4
    assert pairs == {}


def test_half_a_life_is_half_the_weight(engine):
    baskets = [(1, 1000, [0, 1]), (2, 970, [0, 2]), (3, 1009, [0, 3])]
    _, pairs = as_dicts(engine.count(columns(baskets, 4), RULE))
    assert [pairs[0, other][0] for other in (1, 2, 3)] == [ONE, ONE // 2, ONE]


def test_pairs_can_be_read_again(engine):
    counts = engine.count(columns([(1, 1000, [0, 1])], 2), RULE)
    assert as_dicts(counts) == as_dicts(counts)


@given(st.lists(st.integers(-500, 1500), max_size=50))
def test_weights_of_an_array_are_those_of_its_days(days):
    found = basket_weights(np.array(days, np.int32), RULE)
    assert found.tolist() == [basket_weight(day, RULE) for day in days]
