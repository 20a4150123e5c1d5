"""Count by week the orders with an item, and the orders that also hold its partner."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from similarity.orders.adapter import Basket
from similarity.planning.demand import WeeklySales

#: (item, partner) → orders with both, orders with the item; int64 (W,) each.
Together = dict[tuple[str, str], tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]


def weekly_together(
    baskets: Iterable[Basket], sales: WeeklySales, wanted: Iterable[tuple[str, str]]
) -> Together:
    """Return orders of the ``wanted`` pairs (item, partner) in each of the sales' weeks."""
    pairs = {pair: at for at, pair in enumerate(dict.fromkeys(wanted))}
    partners: dict[str, set[str]] = {}
    for item, partner in pairs:
        partners.setdefault(item, set()).add(partner)
    counted = {name: at for at, name in enumerate(partners)}
    both = np.zeros((len(pairs), sales.weeks), np.int64)
    orders = np.zeros((len(counted), sales.weeks), np.int64)
    item_of = _item_of(sales)
    for basket in baskets:
        week = (basket.day - sales.monday).days // 7
        if 0 <= week < sales.weeks:
            items = {item_of.get(str(product), "") for product in basket.products}
            for item in items & partners.keys():
                orders[counted[item], week] += 1
                for partner in partners[item] & items:
                    both[pairs[item, partner], week] += 1
    return {pair: (both[at], orders[counted[pair[0]]]) for pair, at in pairs.items()}


def _item_of(sales: WeeklySales) -> Mapping[Any, str]:
    return {key: name for name, members in sales.members.items() for key in members}
