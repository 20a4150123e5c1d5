"""Count pairs on one machine by sorting whole numbers, block by block.

A pair of items in a basket becomes one 64-bit number: the first item, the second item and the
basket's rank. Baskets are ranked by shopper, then from the newest. After sorting, equal pairs are
adjacent, and within a pair the baskets of a shopper, newest first. The contribution of a shopper's
n-th basket and the numbers of orders and shoppers then follow from neighbours. numpy sorts whole
numbers fast, and threads sort several blocks at once.
"""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from similarity.exceptions import CountError
from similarity.orders.counting import engine
from similarity.orders.counting.engine import (
    Baskets,
    CountingRule,
    Engine,
    ItemCounts,
    OrderCounts,
    PairBlock,
    basket_weights,
)
from similarity.types import Progress


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


#: Bytes that one pair of one basket needs while its block is counted.
BYTES_A_PAIR = 72

#: Most pairs of baskets in a block, even with more memory: arrays of 4 MB stay in a processor's
#: cache, and their memory is reused instead of requested from the system again.
MOST_IN_BLOCK = 2**19

THREADS = min(4, os.cpu_count() or 1)


class LocalEngine(Engine):
    """An engine that counts in this process, within ``MEMORY_MB`` for the blocks."""

    def count(
        self, baskets: Baskets, rule: CountingRule, progress: Progress | None = None
    ) -> OrderCounts:
        weights = basket_weights(baskets.day, rule)
        lines = _Lines.of(baskets, weights, rule)

        def pairs() -> Iterator[PairBlock]:
            return lines.pairs(engine.MEMORY_MB * 2**20, progress)

        return OrderCounts(lines.item_counts(), int(weights.sum()), len(baskets.day), pairs)


@dataclass(frozen=True)
class _Lines:
    """Baskets by rank, and their lines by basket and by item.

    Baskets are ranked by shopper, then newest first. ``start`` (B + 1,), ``rank`` and ``item`` (L,)
    are the lines by rank. ``by_item`` (L,) are line positions by item, and ``item_start`` (I + 1,)
    is the start of each item in it. ``weight`` and ``shopper`` (B,) are by rank. ``paired`` marks
    the baskets that make pairs. ``unknown`` marks the baskets without a known shopper; it is None
    if every shopper is known. A shopper has at most ``most`` baskets.
    """

    start: NDArray[np.int64]
    rank: NDArray[np.int32]
    item: NDArray[np.int32]
    by_item: NDArray[np.int32]
    item_start: NDArray[np.int64]
    weight: NDArray[np.int32]
    shopper: NDArray[np.int32]
    paired: NDArray[np.bool_]
    unknown: NDArray[np.bool_] | None
    most: int
    items: int

    @classmethod
    def of(cls, baskets: Baskets, weights: NDArray[np.int64], rule: CountingRule) -> "_Lines":
        shopper, shoppers = numbered(baskets.shopper)
        order = by_shopper(shopper, shoppers, baskets.day, rule)
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        ranks, item = by_rank(rank[baskets.basket], baskets.item, baskets.items)
        size = np.bincount(ranks, minlength=len(order))
        of_item, item_start = by_item(item, baskets.items)
        unknown = baskets.shopper < 0
        return cls(
            start=np.concatenate(([0], np.cumsum(size))),
            rank=ranks,
            item=item,
            by_item=of_item,
            item_start=item_start,
            weight=weights.astype(np.int32)[order],
            shopper=shopper[order],
            paired=(size > 1) & (size <= rule.max_basket),
            unknown=unknown[order] if unknown.any() else None,
            most=int(np.bincount(shopper).max(initial=0)),
            items=baskets.items,
        )

    def item_counts(self) -> ItemCounts:
        if not len(self.by_item):
            zeros = np.zeros(self.items, np.int32)
            return ItemCounts(zeros.astype(np.int64), zeros, zeros)
        orders = np.diff(self.item_start)
        key = np.repeat(np.arange(self.items), orders)
        starts = self.item_start[:-1][orders > 0]
        weight, shoppers = self._sums(key, self.rank[self.by_item], starts)
        counts = ItemCounts(
            np.zeros(self.items, np.int64), orders.astype(np.int32), np.zeros(self.items, np.int32)
        )
        counts.weight[orders > 0] = weight
        counts.shoppers[orders > 0] = shoppers
        return counts

    def pairs(self, memory: int, progress: Progress | None) -> Iterator[PairBlock]:
        """Yield blocks in order; other threads count the next blocks ahead."""
        fitting = memory // (BYTES_A_PAIR * THREADS)
        bounds = self._bounds(min(max(fitting, 1), MOST_IN_BLOCK))
        ahead: deque[tuple[int, Future[PairBlock]]] = deque()
        with ThreadPoolExecutor(THREADS) as threads:
            for low, high in bounds:
                ahead.append((high, threads.submit(self._block, low, high)))
                if len(ahead) >= THREADS:
                    yield self._next(ahead, progress)
            while ahead:
                yield self._next(ahead, progress)

    def _next(self, ahead: Any, progress: Progress | None) -> PairBlock:
        high, future = ahead.popleft()
        block: PairBlock = future.result()
        if progress is not None:
            progress("pairs", high, self.items)
        return block

    def _bounds(self, most: int) -> list[tuple[int, int]]:
        """Return ranges of first items with about ``most`` pairs each, at least one item per range.

        Raises :class:`CountError` if items and baskets do not fit into 64-bit keys.
        """
        size = np.diff(self.start)
        of_line = np.where(self.paired, size - 1, 0)[self.rank[self.by_item]]
        total = np.concatenate(([0], np.cumsum(of_line)))[self.item_start]
        spare = 63 - bits(self.items) - bits(len(self.weight))
        if spare < 0:
            raise CountError(
                f"{self.items} items and {len(self.weight)} baskets are more than this engine can "
                "count; use similarity.orders.counting.spark.SparkEngine, or a shorter "
                "SIMILARITY['ORDERS']['WINDOW_DAYS']."
            )
        widest = 2**spare
        bounds, low = [], 0
        while low < self.items:
            high = int(np.searchsorted(total, total[low] + most, side="right")) - 1
            high = min(max(high, low + 1), low + widest, self.items)
            bounds.append((low, high))
            low = high
        return bounds

    def _block(self, low: int, high: int) -> PairBlock:
        """Return all pairs whose first item is in ``low`` (included) to ``high`` (excluded)."""
        key = self._instances(low, high)
        if not len(key):
            nothing = np.empty(0, np.int32)
            return PairBlock(nothing, nothing, nothing.astype(np.int64), nothing, nothing)
        key.sort()
        shift = bits(len(self.weight))
        rank = (key & ((1 << shift) - 1)).astype(np.int32)
        key >>= shift
        differs = np.ones(len(key), bool)
        np.not_equal(key[1:], key[:-1], out=differs[1:])
        starts = np.flatnonzero(differs)
        weight, shoppers = self._sums(key, rank, starts)
        pair = key[starts]
        orders = np.diff(np.append(starts, len(key))).astype(np.int32)
        second = bits(self.items)
        return PairBlock(
            first=(pair >> second).astype(np.int32) + np.int32(low),
            second=(pair & ((1 << second) - 1)).astype(np.int32),
            weight=weight,
            orders=orders,
            shoppers=shoppers,
        )

    def _instances(self, low: int, high: int) -> NDArray[np.int64]:
        """Return a packed number for each pair of each basket."""
        line = self.by_item[self.item_start[low] : self.item_start[high]]
        first = np.repeat(
            np.arange(high - low, dtype=np.int64), np.diff(self.item_start[low : high + 1])
        )
        kept = self.paired[self.rank[line]]
        # Sort by basket, so that memory is read in one direction.
        shift = bits(high - low)
        packed = (line[kept].astype(np.int64) << shift) | first[kept]
        packed.sort()
        line, first = packed >> shift, packed & ((1 << shift) - 1)
        rank = self.rank[line]
        head = (first << (bits(self.items) + bits(len(self.weight)))) | rank
        start = self.start[rank]
        others = self.start[rank + 1] - start - 1
        key = np.empty(int(others.sum()), np.int64)
        at, shift = 0, bits(len(self.weight))
        # Baskets of the same size form a rectangle, which needs no arithmetic per pair.
        few = others.max(initial=0) < 2**15
        by_size = np.argsort(others.astype(np.int16) if few else others, kind="stable")
        for size, same in _groups(others, by_size):
            step, begin = np.arange(size), start[same, None]
            found = begin + step
            found += step >= line[same, None] - begin  # skip the line itself
            into = key[at : at + found.size].reshape(found.shape)
            np.left_shift(self.item.take(found), shift, out=into, dtype=np.int64)
            into |= head[same, None]
            at += found.size
        return key

    def _sums(
        self, key: NDArray[np.int64], rank: NDArray[np.int32], starts: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return (weight, shoppers) of each run of equal keys; runs begin at ``starts``."""
        weight = self.weight[rank]
        shoppers = np.diff(np.append(starts, len(key))).astype(np.int32)
        if self.unknown is not None and len(starts):
            shoppers -= np.add.reduceat(self.unknown[rank], starts, dtype=np.int32)
        if self.most == 1:
            return run_sums(weight, starts), shoppers
        # Two baskets of the same shopper have close ranks.
        apart = rank[1:] - rank[:-1]
        near = np.flatnonzero((apart > 0) & (apart < self.most))
        near = near[key[near] == key[near + 1]]
        repeated = near[self.shopper[rank[near]] == self.shopper[rank[near + 1]]] + 1
        if not len(repeated):
            return run_sums(weight, starts), shoppers
        weight[repeated] //= occasions(repeated).astype(np.int32)
        run = np.searchsorted(starts, repeated, side="right") - 1
        again = np.bincount(run, minlength=len(starts)).astype(np.int32)
        return run_sums(weight, starts), shoppers - again


def _groups(
    size: NDArray[np.int64], order: NDArray[np.int64]
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield each size and its positions; ``order`` sorts ``size``."""
    held = size[order]
    starts = np.flatnonzero(np.diff(held, prepend=-1))
    for start, end in pairwise([*starts.tolist(), len(held)]):
        yield int(held[start]), order[start:end]
