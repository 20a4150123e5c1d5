"""What one shopper adds to the counts: the definition every engine must agree with.

A shopper's n-th most recent basket with the same pair adds a n-th of its weight, so that
who buys the same every week does not speak for everybody.
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
    """Items' and pairs' (weight, orders) from all baskets of one shopper.

    ``baskets`` are (day, order key, items), in any order. Pairs have the smaller number
    first. Baskets of one day weigh the same, so that their order among themselves is no matter.
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
    """Newer baskets weigh no less than older ones, so that falling weight is falling age."""
    return {
        key: (
            sum(weight // n for n, weight in enumerate(sorted(found, reverse=True), start=1)),
            len(found),
        )
        for key, found in weights.items()
    }
