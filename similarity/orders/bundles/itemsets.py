"""Mine itemsets: products bought together in twos, threes and fours.

mlxtend's FP-growth (Han, Pei and Yin 2000) finds frequent itemsets. This module chooses sets that
are better than chance, gain from every member, reveal no single shopper, and differ from each
other.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log, prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from similarity import conf
from similarity.exceptions import ConfigurationError

#: Maximum and minimum number of items in a set.
MOST_ITEMS = 4
FEWEST_ITEMS = 2

#: Maximum number of pairs that FP-growth may grow sets from. With more pairs, the required support
#: is raised until this number remains.
MOST_PAIRS = 10_000

#: Maximum number of chosen sets with the same item, so that a best seller does not fill the list.
SETS_PER_ITEM = 3

#: The minimum share of orders that hold a bundle, and the minimum lift: how many times more often
#: it is bought than by chance.
MIN_SUPPORT = 0.001
MIN_LIFT = 2.0


class BasketLines(NamedTuple):
    """Orders in columns, an entry for each item of each order."""

    basket: NDArray[np.int32]  # (L,) number of the order
    item: NDArray[np.int32]  # (L,) number of the item, each once per order
    shopper: NDArray[np.int64]  # (B,) pseudonym of the customer; negative if unknown


#: Returns True if two items replace each other.
Substitutes = Callable[[int, int], bool]


class Itemset(NamedTuple):
    """Items bought together, ascending, with the numbers of orders and shoppers."""

    items: tuple[int, ...]
    orders: int
    shoppers: int
    support: float  # share of all orders, in [0, 1]
    lift: float  # times more orders than if its items were independent


@dataclass(frozen=True)
class MiningRule:
    """The minimum values of a set; ``min_support`` is a share of all orders."""

    min_support: float
    min_lift: float
    min_shoppers: int
    wanted: int

    @classmethod
    def from_settings(cls) -> "MiningRule":
        return cls(
            min_support=MIN_SUPPORT,
            min_lift=MIN_LIFT,
            min_shoppers=conf.get("ORDERS", "MIN_SHOPPERS"),
            wanted=conf.get("ORDERS", "BUNDLE_PROPOSALS"),
        )


def mine(
    lines: BasketLines,
    rule: MiningRule,
    judge: Callable[[Sequence[int]], Substitutes] | None = None,
) -> list[Itemset]:
    """Return the best sets, at most ``rule.wanted``.

    Rank sets by orders × log(lift): how much more often they are bought than by chance. A set must
    not contain two items that replace each other, and must not share more than half of its items
    with a better set. An item is in at most ``SETS_PER_ITEM`` sets. ``judge`` receives every item
    that may be chosen, and returns the function that detects substitutes.

    Raises :class:`ConfigurationError` if mlxtend is not installed.
    """
    table = _Table(lines, rule)
    ranked = _ranked(table, rule)
    replace = judge(sorted({item for found in ranked for item in found.items})) if judge else None
    chosen: list[Itemset] = []
    taken: Counter[int] = Counter()
    for found in ranked:
        if len(chosen) == rule.wanted:
            break
        if any(taken[item] == SETS_PER_ITEM for item in found.items):
            continue
        if any(_alike(found.items, other.items) for other in chosen):
            continue
        if replace and any(replace(*pair) for pair in combinations(found.items, 2)):
            continue
        shoppers = table.shoppers(found.items)
        if shoppers >= rule.min_shoppers:
            chosen.append(found._replace(shoppers=shoppers))
            taken.update(found.items)
    return chosen


class _Table:
    """A sparse matrix of orders × frequent items; columns have new numbers, ``item`` the old
    numbers.
    """

    def __init__(self, lines: BasketLines, rule: MiningRule) -> None:
        from scipy import sparse

        self.baskets = len(lines.shopper)
        self.shopper = lines.shopper
        self.threshold = max(1, rule.min_shoppers, round(rule.min_support * self.baskets))
        ones = np.ones(len(lines.basket), np.int32)
        items = int(lines.item.max()) + 1 if len(lines.item) else 0
        every = sparse.csc_matrix((ones, (lines.basket, lines.item)), (self.baskets, items))
        self._keep(every, np.arange(items, dtype=np.int32))
        self.threshold = self._raised()
        self._keep(self.orders, self.item)

    def _keep(self, orders: Any, item: NDArray[np.int32]) -> None:
        """Keep only items that are in enough orders by themselves."""
        frequent = np.diff(orders.indptr) >= self.threshold
        self.orders = orders[:, frequent]
        self.item = item[frequent]

    def _raised(self) -> int:
        """Return the lowest number of orders that at most ``MOST_PAIRS`` pairs reach."""
        from scipy import sparse

        pairs = sparse.triu(self.orders.T @ self.orders, k=1).data
        enough = np.sort(pairs[pairs >= self.threshold])[::-1]
        return self.threshold if len(enough) <= MOST_PAIRS else int(enough[MOST_PAIRS]) + 1

    def shoppers(self, items: tuple[int, ...]) -> int:
        """Return the number of known shoppers with an order that holds all of ``items``."""
        columns = np.searchsorted(self.item, items)
        held = self._baskets(columns[0])
        for column in columns[1:]:
            held = np.intersect1d(held, self._baskets(column), assume_unique=True)
        shopper = self.shopper[held]
        return len(np.unique(shopper[shopper >= 0]))

    def _baskets(self, column: int) -> NDArray[np.int32]:
        start, end = self.orders.indptr[column : column + 2]
        rows: NDArray[np.int32] = self.orders.indices[start:end]
        return rows


def _ranked(table: _Table, rule: MiningRule) -> list[Itemset]:
    """Return sets that chance does not explain, best first, without their shoppers."""
    counted = _frequent(table)
    single = {items[0]: orders for items, orders in counted.items() if len(items) == 1}
    found = []
    for items, orders in counted.items():
        if len(items) < FEWEST_ITEMS:
            continue
        expected = prod(single[item] / table.baskets for item in items) * table.baskets
        lift = orders / expected
        if lift >= rule.min_lift and _every_item_adds(items, counted, table.baskets, rule):
            named = tuple(int(table.item[item]) for item in items)
            found.append(Itemset(named, orders, 0, orders / table.baskets, lift))
    return sorted(found, key=lambda each: (-each.orders * log(each.lift), each.items))


def _every_item_adds(
    items: tuple[int, ...], counted: dict[tuple[int, ...], int], baskets: int, rule: MiningRule
) -> bool:
    """Return True if each item comes with the rest more often than by chance.

    Otherwise a best seller in every order would join any pair.
    """
    for item in items:
        rest = counted[tuple(other for other in items if other != item)]
        if counted[items] * baskets < rule.min_lift * rest * counted[(item,)]:
            return False
    return True


def _frequent(table: _Table) -> dict[tuple[int, ...], int]:
    """Return for every frequent set: columns, ascending → number of orders that hold them all.

    Raise :class:`ConfigurationError` if mlxtend is not installed.
    """
    if table.orders.shape[1] < FEWEST_ITEMS:
        return {}
    try:
        import pandas
        from mlxtend.frequent_patterns import fpgrowth
    except ImportError as error:
        raise ConfigurationError(
            "Finding bundles needs mlxtend, which is not installed; "
            "run: pip install 'django-similarity[bundles]'"
        ) from error
    frame = pandas.DataFrame.sparse.from_spmatrix(table.orders.astype(bool))
    # Use half an order less, so that rounding does not lose a set.
    share = (table.threshold - 0.5) / table.baskets
    found = fpgrowth(frame, min_support=share, max_len=MOST_ITEMS)
    return {
        tuple(sorted(items)): round(support * table.baskets)
        for items, support in zip(found["itemsets"], found["support"], strict=True)
    }


def _alike(one: tuple[int, ...], two: tuple[int, ...]) -> bool:
    """Return True if they share more than half of the smaller set, such as a set and its part."""
    return 2 * len(set(one) & set(two)) > min(len(one), len(two))
