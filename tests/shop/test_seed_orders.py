"""A year of demo orders: habits, popularity, seasons."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from shop.seed.catalogue import plan
from shop.seed.habits import HABITS, partners
from shop.seed.orders import baskets, buyers

TODAY = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def items():
    return plan(400, seed=7)


@pytest.fixture(scope="module")
def orders(items):
    return baskets(items, 7, TODAY)


def test_orders_are_the_same_each_time(items, orders):
    assert baskets(items, 7, TODAY) == orders
    assert len({order.number for order in orders}) == len(orders) == 6000


def test_orders_lie_within_the_last_year_and_name_a_product_once(orders):
    for order in orders:
        assert 0 < (TODAY - order.at).days + 1 <= 366
        assert order.at < TODAY
        skus = [sku for sku, _ in order.lines]
        assert len(skus) == len(set(skus)) > 0


def test_partners_are_bought_together_far_more_than_by_chance(items, orders):
    """The lift that an evaluation of bought-together looks for really is in the data."""
    together, alone = Counter(), Counter()
    for order in orders:
        skus = {sku for sku, _ in order.lines}
        alone.update(skus)
        together.update((a, b) for a in skus for b in skus if a != b)
    planted = [
        (sku, partner)
        for sku, found in partners(items, 7).items()
        for partner, probability in found
        if probability > 0.15 and alone[sku] >= 8
    ]
    assert len(planted) > 20
    lifts = [together[pair] * len(orders) / (alone[pair[0]] * alone[pair[1]]) for pair in planted]
    assert sorted(lifts)[len(lifts) // 2] > 4


def test_every_habit_is_planted(items):
    kinds = {item.sku: item.kind.name for item in items}
    planted = {(kinds[a], kinds[b]) for a, found in partners(items, 7).items() for b, _ in found}
    assert planted == {(habit.kind, habit.also) for habit in HABITS}


def test_few_products_sell_much_and_many_sell_little(orders):
    sold = sorted(Counter(sku for o in orders for sku, _ in o.lines).values(), reverse=True)
    assert sum(sold[:40]) > 0.3 * sum(sold)


def test_sundays_sell_more_than_fridays_and_some_orders_fail(orders):
    days = Counter(order.at.weekday() for order in orders)
    assert days[6] > 1.25 * days[4]
    states = Counter(order.status for order in orders)
    assert states["cancelled"] > 60
    assert states["returned"] > 120
    assert states["shipped"] > 4800


def test_every_address_is_at_example_com():
    people = buyers(7)
    assert len({person.email for person in people}) == len(people)
    assert all(person.email.endswith("@example.com") for person in people)
