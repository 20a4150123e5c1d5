"""Sort baskets and their lines as packed whole numbers, and sum runs.

Two numbers of few bits packed into 64 bits sort faster than by two keys, and unpack without a
look-up.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from similarity.orders.counting.engine import CountingRule


def run_sums(values: NDArray[Any], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return sums of the runs that begin at ``starts``.

    A running sum is faster than a sum per run.
    """
    so_far = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=so_far[1:])
    return np.diff(so_far[np.append(starts, len(values))])


def numbered(shopper: NDArray[np.int64]) -> tuple[NDArray[np.int32], int]:
    """Return the shoppers renumbered as 0, 1, … and the number of shoppers."""
    order = np.argsort(shopper)
    held = shopper[order]
    number = np.zeros(len(order), np.int32)
    number[order[1:]] = np.cumsum(held[1:] != held[:-1], dtype=np.int32)
    return number, int(number.max(initial=-1)) + 1


def by_shopper(
    shopper: NDArray[np.int32], shoppers: int, day: NDArray[np.int32], rule: CountingRule
) -> NDArray[np.int64]:
    """Return positions of the baskets by shopper, the newest basket of each shopper first."""
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
    """Return the occasion of each of ``repeated``: 2 for the first repeat, 3 for the next, …

    Consecutive positions form a run of repeats; each run starts at 2.
    """
    breaks = np.diff(repeated, prepend=-2) != 1
    run_start = np.maximum.accumulate(np.where(breaks, np.arange(len(repeated)), 0))
    return np.arange(len(repeated)) - run_start + 2


def by_rank(
    rank: NDArray[np.int32], item: NDArray[np.int32], items: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the lines sorted by rank and item."""
    shift = bits(items)
    key = (rank.astype(np.int64) << shift) | item
    key.sort()
    return (key >> shift).astype(np.int32), (key & ((1 << shift) - 1)).astype(np.int32)


def by_item(item: NDArray[np.int32], items: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return line positions by item, rising within an item, and each item's start (I + 1,)."""
    shift = bits(len(item))
    key = (item.astype(np.int64) << shift) | np.arange(len(item))
    key.sort()
    start = np.concatenate(([0], np.cumsum(np.bincount(item, minlength=items))))
    return (key & ((1 << shift) - 1)).astype(np.int32), start


def bits(number: int) -> int:
    """Return the bits that hold 0 to ``number - 1``, at least 1."""
    return max(int(number - 1).bit_length(), 1)
