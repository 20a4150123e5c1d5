"""The best partners of each item, chosen from all its pairs and written for pages to read."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from django.db import connections
from numpy.typing import NDArray

from similarity import conf
from similarity.copurchase import scores, storage
from similarity.copurchase.applying import Rows
from similarity.copurchase.engine import ItemCounts, PairBlock
from similarity.models import CountedItem, ProductPartners

_TABLE = ProductPartners._meta.db_table


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
    if not rows:
        return
    block = _block(rows)
    best = _best(block, _items(rows, alias), total_weight)
    pairs = _pairs(block, best)
    first = block.first[best]
    kept = {int(number): pairs[first == number] for number in np.unique(first)}
    ProductPartners.objects.using(alias).filter(number__in=list(rows.keys() - kept.keys())).delete()
    # One statement a row: arrays of arrays must be of one length.
    with connections[alias].cursor() as cursor:
        cursor.executemany(_UPSERT, [_values(number, held) for number, held in kept.items()])


_UPSERT = f"""
    INSERT INTO {_TABLE} (number, partners, weights, orders, shoppers)
    VALUES (%s, %s::int[], %s::bigint[], %s::int[], %s::int[])
    ON CONFLICT (number) DO UPDATE SET partners = excluded.partners, weights = excluded.weights,
        orders = excluded.orders, shoppers = excluded.shoppers
"""  # noqa: S608 - the table's own name


def _values(number: int, pairs: NDArray[np.void]) -> tuple[Any, ...]:
    columns = ("second", "weight", "orders", "shoppers")
    return (number, *(pairs[column].tolist() for column in columns))


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


def _block(rows: Rows) -> PairBlock:
    """The rows as an engine gives them."""
    numbers = sorted(rows)
    pairs = np.concatenate([rows[number] for number in numbers])
    first = np.repeat(np.array(numbers, np.int32), [len(rows[number]) for number in numbers])
    return PairBlock(first, *(pairs[name].copy() for name in PairBlock._fields[1:]))


def _items(rows: Rows, alias: str) -> ItemCounts:
    """Counts of the items in ``rows``, at their numbers; the places between are empty."""
    wanted = set(rows).union(*(pairs["second"].tolist() for pairs in rows.values()))
    counts = ItemCounts(*(np.zeros(max(wanted) + 1, kind) for kind in (np.int64, "i4", "i4")))
    for number, weight, orders, shoppers in _read(wanted, alias):
        counts.weight[number], counts.orders[number] = weight, orders
        counts.shoppers[number] = shoppers
    return counts


def _read(numbers: Iterable[int], alias: str) -> Any:
    rows = CountedItem.objects.using(alias).filter(number__in=list(numbers))
    return rows.values_list("number", "weight", "orders", "shoppers")
