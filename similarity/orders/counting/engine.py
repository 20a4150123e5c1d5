"""The interface of counting engines: baskets in, whole-number counts out.

Every count is a whole number, so a sum does not depend on the order of its terms. Incremental and
full counts, on one machine or on a cluster, therefore agree exactly.

The weight of an order is ``round(2**20 * 2**(-age / half-life))``, with its age in whole days. A
count is the sum over shoppers of :mod:`similarity.orders.counting.contributions`.
"""

import abc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from similarity import conf
from similarity.catalog import times
from similarity.exceptions import ConfigurationError
from similarity.types import Progress

#: The weight of an order from the reference day or later.
ONE = 2**20

#: Memory limit of a full count in MiB, in addition to the orders it read.
MEMORY_MB = 512

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class CountingRule:
    """The weighting of baskets.

    Orders lose half their weight in ``half_life_days`` before ``reference_day`` (days since
    1970-01-01); newer orders have full weight. Engines never receive orders older than
    ``window_days``. A basket of more than ``max_basket`` items is probably a reseller's. It shows
    which items sell, but not which items go together. It therefore counts for its items and makes
    no pairs.
    """

    reference_day: int
    half_life_days: float
    max_basket: int
    window_days: int

    @classmethod
    def from_settings(cls) -> "CountingRule":
        """Return the rule from the settings, with today as reference day.

        Today is the day in the host's time zone.
        """
        return cls(
            reference_day=(times.today() - _EPOCH).days,
            half_life_days=float(conf.get("ORDERS", "HALF_LIFE_DAYS")),
            max_basket=conf.get("ORDERS", "MAX_BASKET"),
            window_days=conf.get("ORDERS", "WINDOW_DAYS"),
        )


@dataclass(frozen=True)
class Baskets:
    """B baskets of L lines, in columns.

    ``basket`` is int32 (L,) ascending and ``item`` int32 (L,), each item once per basket.
    ``shopper`` is int64 (B,) and ``day`` int32 (B,), days since 1970-01-01. A basket without a
    known shopper has a negative number of its own: it is counted but adds no shopper. ``items`` is
    the number of items.
    """

    basket: NDArray[np.int32]
    item: NDArray[np.int32]
    shopper: NDArray[np.int64]
    day: NDArray[np.int32]
    items: int


class PairBlock(NamedTuple):
    """P pairs in both directions, sorted by ``first`` and ``second``; whole rows of ``first``.

    ``weight`` is int64. ``orders`` is the number of orders with both items and ``shoppers`` the
    number of different shoppers, both int32.
    """

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    weight: NDArray[np.int64]
    orders: NDArray[np.int32]
    shoppers: NDArray[np.int32]


class ItemCounts(NamedTuple):
    """Sums of weights, numbers of orders and numbers of different shoppers, each (I,)."""

    weight: NDArray[np.int64]
    orders: NDArray[np.int32]
    shoppers: NDArray[np.int32]


@dataclass(frozen=True)
class OrderCounts:
    """The counts of a set of baskets.

    ``total_weight`` is the sum of the weights of all ``baskets`` baskets. ``pairs()`` streams the
    pairs by rising item and never splits an item's row; the blocks stay within ``MEMORY_MB``. It
    can be called again.
    """

    items: ItemCounts
    total_weight: int
    baskets: int
    pairs: Callable[[], Iterator[PairBlock]]


class Engine(abc.ABC):
    """A co-purchase counter. Contract test: ``tests/copurchase/test_engine_contract.py``."""

    @abc.abstractmethod
    def count(
        self, baskets: Baskets, rule: CountingRule, progress: Progress | None = None
    ) -> OrderCounts:
        """Return the counts of ``baskets``; reading ``pairs()`` counts the pairs."""


def get_engine() -> Engine:
    """Return the engine that ``SIMILARITY["ORDERS"]["ENGINE"]`` names.

    Raise :class:`ConfigurationError` if the path does not lead to an engine.
    """
    path = conf.get("ORDERS", "ENGINE")
    made = conf.load(path)
    engine = made() if isinstance(made, type) else made
    if not isinstance(engine, Engine):
        raise ConfigurationError(
            f"SIMILARITY['ORDERS']['ENGINE'] names {path!r}, which is not an Engine; "
            "derive it from similarity.orders.counting.engine.Engine."
        )
    return engine


def basket_weight(day: int, rule: CountingRule) -> int:
    """Return the weight of an order of ``day``, at most :data:`ONE`."""
    return _weight_of_age(max(rule.reference_day - day, 0), rule.half_life_days)


def basket_weights(days: NDArray[np.int32], rule: CountingRule) -> NDArray[np.int64]:
    """Return the :func:`basket_weight` of each of ``days`` (B,)."""
    every, of = np.unique(days, return_inverse=True)
    # Use the function for a single day, because two ways to round a power could differ.
    weights = [basket_weight(int(day), rule) for day in every]
    return np.asarray(weights, np.int64)[of].reshape(len(days))


@lru_cache(maxsize=4096)
def _weight_of_age(age_days: int, half_life_days: float) -> int:
    return round(ONE * 2.0 ** (-age_days / half_life_days))
