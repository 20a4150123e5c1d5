"""The demo's shoppers: tastes that a model can learn, the same each time."""

import itertools
from collections import Counter
from datetime import UTC, datetime

import pytest

from shop.seed.catalogue import plan
from shop.seed.habits import HABITS
from shop.seed.shoppers import DAYS, acts, shopper_count, tastes

TODAY = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def items():
    return plan(400, seed=7)


@pytest.fixture(scope="module")
def found(items):
    return acts(items, 7, TODAY)


def test_the_same_each_time_and_in_the_order_of_time(items, found):
    assert acts(items, 7, TODAY) == found
    assert {act.shopper for act in found} == set(range(shopper_count(items)))
    for one, other in itertools.pairwise(found):
        assert one.shopper < other.shopper or one.at <= other.at
    assert all(0 < (TODAY - act.at).days + 1 <= DAYS + 1 and act.at < TODAY for act in found)


def test_a_taste_can_be_seen(items, found):
    """Half of the views and more are of a favourite kind, which is 1 of 20 by chance."""
    kinds = {item.sku: item.kind.name for item in items}
    liked = tastes(items, 7)
    of_taste = [kinds[act.sku] in liked[act.shopper].kinds for act in found]
    assert sum(of_taste) / len(of_taste) > 0.4


def test_the_next_product_is_of_the_same_or_a_related_kind(items, found):
    kinds = {item.sku: item.kind.name for item in items}
    related = {(habit.kind, habit.also) for habit in HABITS}
    steps = Counter()
    for one, other in itertools.pairwise(found):
        if one.shopper == other.shopper and (other.at - one.at).seconds < 600:
            pair = kinds[one.sku], kinds[other.sku]
            steps["same" if pair[0] == pair[1] else "related" if pair in related else "other"] += 1
    assert steps["same"] > 0.5 * steps.total()
    assert steps["related"] > 0.1 * steps.total()


def test_products_that_are_not_sold_are_not_looked_at(items, found):
    active = {item.sku for item in items if item.active}
    assert {act.sku for act in found} <= active
    assert {act.name for act in found} == {"view", "add_to_cart"}
