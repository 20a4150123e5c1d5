"""Baskets and their lines put in order by sorting packed whole numbers, and sums of runs.

Two numbers of few bits in one of 64 are sorted faster than by two keys, and come out of it
again without a look-up.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from similarity.orders.counting.engine import CountingRule


def run_sums(values: NDArray[Any], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums of the runs that begin at ``starts``; a sum so far is faster than one for each."""
    so_far = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=so_far[1:])
    return np.diff(so_far[np.append(starts, len(values))])


def numbered(shopper: NDArray[np.int64]) -> tuple[NDArray[np.int32], int]:
    """Shoppers as 0, 1, … and how many there are."""
    order = np.argsort(shopper)
    held = shopper[order]
    number = np.zeros(len(order), np.int32)
    number[order[1:]] = np.cumsum(held[1:] != held[:-1], dtype=np.int32)
    return number, int(number.max(initial=-1)) + 1


def by_shopper(
    shopper: NDArray[np.int32], shoppers: int, day: NDArray[np.int32], rule: CountingRule
) -> NDArray[np.int64]:
    """Positions of the baskets by shopper, those of one from the newest."""
    if shoppers == len(shopper):
        return np.argsort(shopper)
    age = np.maximum(rule.reference_day - day.astype(np.int64), 0)
    short = age.max(initial=0) < 2**15
    newest = np.argsort(age.astype(np.int16) if short else age, kind="stable")
    shift = bits(len(shopper))
    key = (shopper[newest].astype(np.int64) << shift) | np.arange(len(newest))
    key.sort()
    return newest[key & ((1 << shift) - 1)]


def occasions(repeated: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which occasion each of ``repeated`` is: 2 for the one right after a first, and so on.

    A run of repeats is unbroken positions; each starts at its own second occasion.
    """
    breaks = np.diff(repeated, prepend=-2) != 1
    run_start = np.maximum.accumulate(np.where(breaks, np.arange(len(repeated)), 0))
    return np.arange(len(repeated)) - run_start + 2


def by_rank(
    rank: NDArray[np.int32], item: NDArray[np.int32], items: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Lines sorted by rank and item."""
    shift = bits(items)
    key = (rank.astype(np.int64) << shift) | item
    key.sort()
    return (key >> shift).astype(np.int32), (key & ((1 << shift) - 1)).astype(np.int32)


def by_item(item: NDArray[np.int32], items: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Positions of lines by item, those of one rising, and where each item's begin (I + 1,)."""
    shift = bits(len(item))
    key = (item.astype(np.int64) << shift) | np.arange(len(item))
    key.sort()
    start = np.concatenate(([0], np.cumsum(np.bincount(item, minlength=items))))
    return (key & ((1 << shift) - 1)).astype(np.int32), start


def bits(number: int) -> int:
    """Bits that hold 0 to ``number - 1``, one at the least."""
    return max(int(number - 1).bit_length(), 1)
