"""Compute the difference that changed orders make to the counts, in whole numbers.

A count is a sum over shoppers of their contributions. The difference is therefore the new
contribution of the shoppers whose orders changed, minus their former contribution. This module does
not use a database.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from similarity.orders.counting.contributions import contributions
from similarity.orders.counting.engine import CountingRule, basket_weight
from similarity.orders.counting.ledger import Recorded
from similarity.orders.counting.numbering import is_known

Key = TypeVar("Key")

#: Orders of one shopper by order key.
Orders = Mapping[str, Recorded]


def _zeros() -> list[int]:
    return [0, 0, 0]


@dataclass
class CountDifference:
    """The numbers to add to the counts; any number may be negative.

    ``items`` holds [weight, orders, shoppers] by item number, ``pairs`` the same by both item
    numbers, smaller number first. ``products`` holds orders by product number.
    """

    items: dict[int, list[int]] = field(default_factory=lambda: defaultdict(_zeros))
    pairs: dict[tuple[int, int], list[int]] = field(default_factory=lambda: defaultdict(_zeros))
    products: Counter[int] = field(default_factory=Counter)
    baskets: int = 0
    total_weight: int = 0


def difference(
    before: Mapping[int, Orders],
    after: Mapping[int, Orders],
    changed: Iterable[str],
    item_of: Mapping[int, int],
    rule: CountingRule,
) -> CountDifference:
    """Return the difference between all orders of the touched shoppers before and after.

    ``before`` holds the orders as counted and ``after`` the current orders, both by shopper.
    ``changed`` are the keys of orders that differ.
    """
    found = CountDifference()
    keys = set(changed)
    for sign, orders in ((-1, before), (1, after)):
        for order in _chosen(orders, keys):
            found.products.update(dict.fromkeys(order.products, sign))
            found.baskets += sign
            found.total_weight += sign * basket_weight(order.day, rule)
    for shopper in before.keys() | after.keys():
        old, new = before.get(shopper, {}), after.get(shopper, {})
        touched = _items(_chosen({shopper: old}, keys), item_of)
        touched |= _items(_chosen({shopper: new}, keys), item_of)
        _add(found, -1, shopper, old, touched, item_of, rule)
        _add(found, 1, shopper, new, touched, item_of, rule)
    return found


def _add(
    found: CountDifference,
    sign: int,
    shopper: int,
    orders: Orders,
    touched: set[int],
    item_of: Mapping[int, int],
    rule: CountingRule,
) -> None:
    items, pairs = contributions(_baskets(orders, touched, item_of, rule), rule)
    shoppers = int(is_known(shopper))
    _sum(found.items, sign, shoppers, items)
    _sum(found.pairs, sign, shoppers, pairs)


def _sum(
    found: dict[Key, list[int]],
    sign: int,
    shoppers: int,
    contributed: Mapping[Key, tuple[int, int]],
) -> None:
    for key, (weight, orders) in contributed.items():
        sums = found[key]
        sums[0] += sign * weight
        sums[1] += sign * orders
        sums[2] += sign * shoppers


def _baskets(
    orders: Orders, touched: set[int], item_of: Mapping[int, int], rule: CountingRule
) -> list[tuple[int, str, tuple[int, ...]]]:
    """Return (day, order key, items) of each order, with only the items that changed orders hold.

    Other items contribute the same before and after. This keeps the work small for a customer with
    a hundred thousand orders (a till). An order too large to make pairs keeps all its items,
    because its size must stay visible.
    """
    baskets = []
    for key, order in orders.items():
        items = {item_of[product] for product in order.products}
        kept = items & touched
        if kept:
            kept = items if len(items) > rule.max_basket else kept
            baskets.append((order.day, key, tuple(sorted(kept))))
    return baskets


def _chosen(orders: Mapping[int, Orders], keys: set[str]) -> list[Recorded]:
    """Return the orders among ``keys``; iterate over the smaller of keys and orders."""
    return [
        held[key]
        for held in orders.values()
        for key in (keys if len(keys) < len(held) else held)
        if key in keys and key in held
    ]


def _items(orders: Iterable[Recorded], item_of: Mapping[int, int]) -> set[int]:
    return {item_of[product] for order in orders for product in order.products}
