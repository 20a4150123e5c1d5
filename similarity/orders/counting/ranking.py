"""Choose the partners that pages show: full counts add them, updates only remove them.

New pairs appear only with a full count, once a day, so that comparing pages before and after an
order does not reveal the order. Only a pair with too few shoppers left disappears sooner. A new
pair needs one shopper more than ``MIN_SHOPPERS``; a shown pair stays as long as it has
``MIN_SHOPPERS``. A single order therefore cannot make a pair appear and disappear.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from django.db import connections
from numpy.typing import NDArray

from similarity import conf
from similarity.orders.counting import scores, storage
from similarity.orders.counting.applying import ChangedPairs
from similarity.orders.counting.engine import ItemCounts, PairBlock


class Released(NamedTuple):
    """The pairs of the last release: names by number, then both numbers of each pair."""

    names: Mapping[int, str]
    first: NDArray[np.int64]
    second: NDArray[np.int64]


def read_released(cursor: Any) -> Released:
    """Return the pairs that pages show now, before a full count assigns new numbers."""
    cursor.execute("SELECT number, name FROM similarity_counteditem")
    names = dict(cursor.fetchall())
    rows = list(_read_partners(cursor))
    lengths = [len(partners) for _number, partners in rows]
    first = np.repeat(np.array([number for number, _ in rows], np.int64), lengths)
    second = np.concatenate([np.empty(0, np.int64), *(partners for _, partners in rows)])
    return Released(names, first, second)


class Release:
    """The pairs that a full count may show; ``names`` are the items by new number."""

    def __init__(self, released: Released, names: Sequence[str]) -> None:
        self.least = conf.get("ORDERS", "MIN_SHOPPERS")
        number = {name: at for at, name in enumerate(names)}
        renumbered = np.full(max(released.names, default=0) + 1, -1, np.int64)
        for old, name in released.names.items():
            renumbered[old] = number.get(name, -1)
        first, second = renumbered[released.first], renumbered[released.second]
        known = (first >= 0) & (second >= 0)
        self._shown = np.sort(_pair_keys(first[known], second[known]))

    def write(self, block: PairBlock, items: ItemCounts, total_weight: int, cursor: Any) -> None:
        """Write the partners of a block of a full count; ``items`` are the counts of all items."""
        kept = self.may_be_shown(block)
        block = PairBlock._make(column[kept] for column in block)
        most = scores.MAX_PARTNERS
        best = scores.rank(block, items, total_weight, most=most, min_shoppers=self.least)
        if len(best):
            first = block.first[best]
            starts = storage.row_starts(first)
            ends = np.append(starts, len(best))
            storage.copy_partners(cursor, first[starts], ends, _pairs(block, best))

    def may_be_shown(self, block: PairBlock) -> NDArray[np.bool_]:
        """Return (P,), True if enough shoppers bought the pair.

        A threshold of 1 hides no pair.
        """
        shown = block.shoppers >= self.least
        if self.least > 1 and len(shown):
            edge = np.flatnonzero(block.shoppers == self.least)
            keys = _pair_keys(block.first[edge].astype(np.int64), block.second[edge])
            shown[edge] = np.isin(keys, self._shown, assume_unique=True)
        return shown


def withdraw(changed: ChangedPairs, alias: str) -> None:
    """Remove the pairs of ``changed`` that have too few shoppers left."""
    least = conf.get("ORDERS", "MIN_SHOPPERS")
    gone = [
        (number, partner)
        for number, partners in changed.shown.items()
        for partner, shoppers in zip(
            partners, _shoppers(changed.rows[number], partners), strict=True
        )
        if shoppers < least
    ]
    if gone:
        numbers, partners = (list(column) for column in zip(*gone, strict=True))
        with connections[alias].cursor() as cursor:
            cursor.execute(_WITHDRAW, [numbers, partners])


_WITHDRAW = """
    WITH gone AS (SELECT * FROM unnest(%s::int[], %s::int[]) AS gone(number, partner)),
    left_over AS (
        SELECT stored.number, array_agg(pair.partner ORDER BY place) AS partners,
               array_agg(pair.weight ORDER BY place) AS weights,
               array_agg(pair.orders ORDER BY place) AS orders,
               array_agg(pair.shoppers ORDER BY place) AS shoppers
        FROM similarity_productpartners AS stored
        CROSS JOIN LATERAL unnest(stored.partners, stored.weights, stored.orders, stored.shoppers)
            WITH ORDINALITY AS pair(partner, weight, orders, shoppers, place)
        WHERE stored.number IN (SELECT number FROM gone)
            AND (stored.number, pair.partner) NOT IN (SELECT number, partner FROM gone)
        GROUP BY stored.number
    ),
    emptied AS (
        DELETE FROM similarity_productpartners WHERE number IN (SELECT number FROM gone)
            AND number NOT IN (SELECT number FROM left_over)
    )
    UPDATE similarity_productpartners AS stored
    SET partners = left_over.partners, weights = left_over.weights, orders = left_over.orders,
        shoppers = left_over.shoppers
    FROM left_over WHERE stored.number = left_over.number
"""


def _shoppers(row: NDArray[np.void], partners: Sequence[int]) -> NDArray[np.int64]:
    """Return how many shoppers bought each partner (0 if none); ``row`` is sorted by ``second``."""
    wanted = np.asarray(partners, np.int32)
    at = np.minimum(np.searchsorted(row["second"], wanted), max(len(row) - 1, 0))
    if not len(row):
        return np.zeros(len(wanted), np.int64)
    return np.where(row["second"][at] == wanted, row["shoppers"][at], 0).astype(np.int64)


def _pair_keys(first: NDArray[np.int64], second: NDArray[np.integer]) -> NDArray[np.int64]:
    return (first << 32) | second


_COPY_PARTNERS = "COPY similarity_productpartners (number, partners) TO STDOUT (FORMAT BINARY)"


def _read_partners(cursor: Any) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield (number, partners) of each row.

    COPY's binary format reads millions of numbers at once.
    """
    with cursor.copy(_COPY_PARTNERS) as copy:
        data = b"".join(copy)
    at = 19  # the header
    while struct.unpack_from(">h", data, at) != (-1,):
        _fields, _length, number, size = struct.unpack_from(">hiii", data, at)
        at += 14
        # An array has a head of 20 bytes; each element has its length before it.
        held = np.frombuffer(data, ">i4", (size - 20) // 4, at + 20)
        yield number, held[1::2].astype(np.int64)
        at += size


def _pairs(block: PairBlock, at: NDArray[np.int64]) -> NDArray[np.void]:
    pairs = np.empty(len(at), storage.PAIR)
    for name in storage.PAIR.names or ():
        pairs[name] = getattr(block, name)[at]
    return pairs
