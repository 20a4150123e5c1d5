"""Small sets of baskets, and their counts by the definition."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from similarity.orders.counting.contributions import contributions
from similarity.orders.counting.engine import Baskets, CountingRule, OrderCounts

#: (shopper, day, items)
Basket = tuple[int, int, Sequence[int]]

RULE = CountingRule(reference_day=1000, half_life_days=30.0, max_basket=100, window_days=10_000)


def columns(baskets: Sequence[Basket], items: int) -> Baskets:
    lines = [(at, item) for at, (_, _, bought) in enumerate(baskets) for item in sorted(bought)]
    return Baskets(
        basket=np.array([at for at, _ in lines], np.int32),
        item=np.array([item for _, item in lines], np.int32),
        shopper=np.array([shopper for shopper, _, _ in baskets], np.int64),
        day=np.array([day for _, day, _ in baskets], np.int32),
        items=items,
    )


def by_definition(baskets: Sequence[Basket], rule: CountingRule):
    """Items' and (both directions of) pairs' [weight, orders, shoppers]."""
    of_shopper = defaultdict(list)
    for at, (shopper, day, items) in enumerate(baskets):
        of_shopper[shopper].append((day, str(at), items))
    items, pairs = defaultdict(lambda: [0, 0, 0]), defaultdict(lambda: [0, 0, 0])
    for shopper, held in of_shopper.items():
        of_items, of_pairs = contributions(held, rule)
        mirrored = {(second, first): found for (first, second), found in of_pairs.items()}
        for sums, found in ((items, of_items), (pairs, of_pairs | mirrored)):
            for key, (weight, orders) in found.items():
                for at, added in enumerate((weight, orders, int(shopper >= 0))):
                    sums[key][at] += added
    return dict(items), dict(pairs)


def as_dicts(counts: OrderCounts):
    """The same of an engine's counts; the order of the pairs is looked at on the way."""
    columns = zip(*(column.tolist() for column in counts.items), strict=True)
    items = {item: list(found) for item, found in enumerate(columns) if found[1]}
    pairs = {}
    for block in counts.pairs():
        for first, second, *found in zip(*(column.tolist() for column in block), strict=True):
            pairs[first, second] = found
    assert list(pairs) == sorted(pairs)
    return items, pairs


def some_baskets(items: int = 7, most: int = 14) -> st.SearchStrategy[list[Basket]]:
    """Few shoppers and days, so that there are repeats and ties; some orders of nobody known."""
    drawn = st.lists(
        st.tuples(
            st.integers(-2, 2),
            st.integers(900, 1010),
            st.sets(st.integers(0, items - 1), min_size=1).map(sorted),
        ),
        max_size=most,
    )
    return drawn.map(
        lambda baskets: [
            (shopper if shopper >= 0 else -1 - at, day, items)
            for at, (shopper, day, items) in enumerate(baskets)
        ]
    )
