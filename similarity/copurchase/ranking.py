"""The best partners of each item, chosen from all its pairs and written for pages to read."""

from typing import Any

import numpy as np
from django.db import connections
from numpy.typing import NDArray

from similarity import conf
from similarity.copurchase import scores, storage
from similarity.copurchase.engine import ItemCounts, PairBlock
from similarity.copurchase.storage import Rows, block_of
from similarity.models import CountedItem, ProductPartners

_TABLE = ProductPartners._meta.db_table
_ITEMS = CountedItem._meta.db_table


def copy_best(block: PairBlock, items: ItemCounts, total_weight: int, cursor: Any) -> None:
    """Write the partners of a block of a full count; ``items`` are all items' counts."""
    best = _best(block, items, total_weight)
    if len(best):
        first = block.first[best]
        starts = storage.row_starts(first)
        ends = np.append(starts, len(best))
        storage.copy_partners(cursor, first[starts], ends, _pairs(block, best))


def rank(rows: Rows, total_weight: int, alias: str) -> None:
    """Choose anew the partners of the items whose pairs changed, and write them."""
    # Most pairs are of one order: what nobody may be told is not worth reading for.
    least = conf.get("MIN_SHOPPERS")
    block = block_of({number: row[row["shoppers"] >= least] for number, row in rows.items()})
    with connections[alias].cursor() as cursor:
        cursor.execute(f"DELETE FROM {_TABLE} WHERE number = ANY(%s)", [list(rows)])  # noqa: S608
        if len(block.first):
            copy_best(block, _items(block, cursor), total_weight, cursor)


def _best(block: PairBlock, items: ItemCounts, total_weight: int) -> NDArray[np.int64]:
    return scores.rank(
        block,
        items,
        total_weight,
        most=conf.get("PARTNERS"),
        min_shoppers=conf.get("MIN_SHOPPERS"),
    )


def _pairs(block: PairBlock, at: NDArray[np.int64]) -> NDArray[np.void]:
    pairs = np.empty(len(at), storage.PAIR)
    for name in storage.PAIR.names or ():
        pairs[name] = getattr(block, name)[at]
    return pairs


def _items(block: PairBlock, cursor: Any) -> ItemCounts:
    """Counts of the items in ``block``, at their numbers; the places between are empty."""
    wanted = np.flatnonzero(np.bincount(np.concatenate((block.first, block.second))))
    columns = "number, weight, orders, shoppers"
    cursor.execute(
        f"SELECT {columns} FROM {_ITEMS} WHERE number = ANY(%s)",  # noqa: S608 - our own names
        [wanted.tolist()],
    )
    number, weight, orders, shoppers = (np.array(c, np.int64) for c in zip(*cursor, strict=True))
    counts = ItemCounts(
        *(np.zeros(wanted[-1] + 1, kind) for kind in (np.int64, np.int32, np.int32))
    )
    counts.weight[number], counts.orders[number] = weight, orders
    counts.shoppers[number] = shoppers
    return counts
