"""Itemset mining: what is bought together in twos, threes and fours.

Frequent itemsets come from mlxtend's FP-growth (Han, Pei and Yin 2000). What is made of them
here is the choice: which sets are no chance, add something with every member, reveal no
single shopper, and differ from each other.
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

#: Items in a set, at most and at least.
MOST_ITEMS = 4
FEWEST_ITEMS = 2

#: Pairs FP-growth may grow sets from; beyond it, support is raised until so many are left.
MOST_PAIRS = 10_000

#: Chosen sets that may share one item, so that a best seller does not fill the list.
SETS_PER_ITEM = 3

#: The share of the orders that must hold a bundle, and how many times more often than by chance
#: it must be bought.
MIN_SUPPORT = 0.001
MIN_LIFT = 2.0


class BasketLines(NamedTuple):
    """Orders in columns, an entry for each item of each order."""

    basket: NDArray[np.int32]  # (L,) number of the order
    item: NDArray[np.int32]  # (L,) number of the item, each once an order
    shopper: NDArray[np.int64]  # (B,) who placed each order, negative where that is not known


#: Do two items replace each other?
Substitutes = Callable[[int, int], bool]


class Itemset(NamedTuple):
    """Items bought together, ascending, in how many orders and by how many shoppers."""

    items: tuple[int, ...]
    orders: int
    shoppers: int
    support: float  # share of all orders, in [0, 1]
    lift: float  # times more orders than if its items were independent


@dataclass(frozen=True)
class MiningRule:
    """What a set must reach. ``min_support`` is a share of all orders."""

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
    """The best sets, at most ``rule.wanted``.

    A set is ranked by orders × log(lift), how much more it is bought than by chance. None
    holds two items that replace each other, none shares more than half of its items with a
    better one, and an item is in at most ``SETS_PER_ITEM``. ``judge`` is given every item
    that may be chosen, and answers with the function that tells which replace each other.

    Raises :class:`ConfigurationError` where mlxtend is not installed.
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
    """Orders × frequent items, sparse; columns are numbered anew and ``item`` names them."""

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
        """Only items that are in enough orders by themselves."""
        frequent = np.diff(orders.indptr) >= self.threshold
        self.orders = orders[:, frequent]
        self.item = item[frequent]

    def _raised(self) -> int:
        """The least number of orders that no more than ``MOST_PAIRS`` pairs reach."""
        from scipy import sparse

        pairs = sparse.triu(self.orders.T @ self.orders, k=1).data
        enough = np.sort(pairs[pairs >= self.threshold])[::-1]
        return self.threshold if len(enough) <= MOST_PAIRS else int(enough[MOST_PAIRS]) + 1

    def shoppers(self, items: tuple[int, ...]) -> int:
        """Distinct known shoppers whose order held all of ``items``."""
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
    """Sets no chance explains, best first; their shoppers are not yet counted."""
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
    """Whether each item comes with the rest more often than by chance.

    A best seller that lies in every order would else ride along with any pair.
    """
    for item in items:
        rest = counted[tuple(other for other in items if other != item)]
        if counted[items] * baskets < rule.min_lift * rest * counted[(item,)]:
            return False
    return True


def _frequent(table: _Table) -> dict[tuple[int, ...], int]:
    """Columns, ascending → orders that hold them all, for every frequent set."""
    if table.orders.shape[1] < FEWEST_ITEMS:
        return {}
    try:
        import pandas
        from mlxtend.frequent_patterns import fpgrowth
    except ImportError as error:
        raise ConfigurationError(
            "Bundles are found by mlxtend, which is not installed; "
            "run: pip install 'django-similarity[bundles]'"
        ) from error
    frame = pandas.DataFrame.sparse.from_spmatrix(table.orders.astype(bool))
    # Half an order less: the share must not lose a set to rounding.
    share = (table.threshold - 0.5) / table.baskets
    found = fpgrowth(frame, min_support=share, max_len=MOST_ITEMS)
    return {
        tuple(sorted(items)): round(support * table.baskets)
        for items, support in zip(found["itemsets"], found["support"], strict=True)
    }


def _alike(one: tuple[int, ...], two: tuple[int, ...]) -> bool:
    """Whether they share more than half of the smaller one: a set and its part do."""
    return 2 * len(set(one) & set(two)) > min(len(one), len(two))
