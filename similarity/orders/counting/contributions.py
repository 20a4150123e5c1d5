"""Compute the contribution of one shopper to the counts.

Every engine must agree with this definition. A shopper's n-th most recent basket with the same pair
adds 1/n of its weight, because a shopper who buys the same pair every week must not dominate the
counts.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import TypeVar

from similarity.orders.counting.engine import CountingRule, basket_weight

Key = TypeVar("Key", bound=Hashable)

#: (weight, orders)
Contribution = tuple[int, int]


def contributions(
    baskets: Iterable[tuple[int, str, Sequence[int]]], rule: CountingRule
) -> tuple[dict[int, Contribution], dict[tuple[int, int], Contribution]]:
    """Return the (weight, orders) of items and of pairs from all baskets of one shopper.

    ``baskets`` are (day, order key, items), in any order. Pairs have the smaller number first.
    Baskets of the same day have the same weight, so their order does not matter.
    """
    items: dict[int, list[int]] = defaultdict(list)
    pairs: dict[tuple[int, int], list[int]] = defaultdict(list)
    for day, _key, bought in baskets:
        weight = basket_weight(day, rule)
        kept = sorted(set(bought))
        for item in kept:
            items[item].append(weight)
        if len(kept) <= rule.max_basket:
            for pair in combinations(kept, 2):
                pairs[pair].append(weight)
    return _damped(items), _damped(pairs)


def _damped(weights: Mapping[Key, list[int]]) -> dict[Key, Contribution]:
    """Return (damped weight, orders) by key.

    A newer basket never weighs less than an older basket, so sorting by falling weight sorts from
    the newest.
    """
    return {
        key: (
            sum(weight // n for n, weight in enumerate(sorted(found, reverse=True), start=1)),
            len(found),
        )
        for key, found in weights.items()
    }
