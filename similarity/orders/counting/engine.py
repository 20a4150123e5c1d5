"""What a counting engine is: baskets in, whole-number counts out.

Every count is a whole number, so that a sum does not depend on the order it is made in:
an incremental count and a full one, one machine and a cluster, agree to the last digit.

The weight of an order is ``round(2**20 * 2**(-age / half-life))``, its age in whole days. What is
counted is the sum over shoppers of :mod:`similarity.orders.counting.contributions`.
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

#: The weight of an order of the reference day or later.
ONE = 2**20

#: The most memory a full count takes, in MiB, beside the orders it read.
MEMORY_MB = 512

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class CountingRule:
    """How baskets are weighed.

    Orders lose half their weight in ``half_life_days`` before ``reference_day`` (days since
    1970-01-01); newer ones have full weight. Those older than ``window_days`` are not given to
    an engine at all. A basket of more than ``max_basket`` items, a reseller's, says what
    sells and not what goes together: it counts for its items and makes no pairs.
    """

    reference_day: int
    half_life_days: float
    max_basket: int
    window_days: int

    @classmethod
    def from_settings(cls) -> "CountingRule":
        """By the settings, as of today in the host's time zone."""
        return cls(
            reference_day=(times.today() - _EPOCH).days,
            half_life_days=float(conf.get("ORDERS", "HALF_LIFE_DAYS")),
            max_basket=conf.get("ORDERS", "MAX_BASKET"),
            window_days=conf.get("ORDERS", "WINDOW_DAYS"),
        )


@dataclass(frozen=True)
class Baskets:
    """B baskets of L lines, in columns.

    ``basket`` int32 (L,) ascending and ``item`` int32 (L,), each item once a basket; ``shopper``
    int64 (B,) and ``day`` int32 (B,), days since 1970-01-01. A basket of a negative shopper, of
    whom each has one, is counted and adds no shopper. ``items`` is the number of items.
    """

    basket: NDArray[np.int32]
    item: NDArray[np.int32]
    shopper: NDArray[np.int64]
    day: NDArray[np.int32]
    items: int


class PairBlock(NamedTuple):
    """P pairs in both directions, by rising ``first`` and ``second``; whole rows of ``first``.

    ``weight`` int64; ``orders`` bought both, of ``shoppers`` different shoppers, int32.
    """

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    weight: NDArray[np.int64]
    orders: NDArray[np.int32]
    shoppers: NDArray[np.int32]


class ItemCounts(NamedTuple):
    """(I,) each: the sum of weights, the number of orders, of different shoppers."""

    weight: NDArray[np.int64]
    orders: NDArray[np.int32]
    shoppers: NDArray[np.int32]


@dataclass(frozen=True)
class OrderCounts:
    """``total_weight`` is the sum of all baskets' weights, of ``baskets`` baskets.

    ``pairs()`` streams the pairs, the rows of an item in one block, items rising; the blocks
    keep to ``MEMORY_MB``. It can be called again.
    """

    items: ItemCounts
    total_weight: int
    baskets: int
    pairs: Callable[[], Iterator[PairBlock]]


class Engine(abc.ABC):
    """Counts co-purchases. Contract test: ``tests/copurchase/test_engine_contract.py``."""

    @abc.abstractmethod
    def count(
        self, baskets: Baskets, rule: CountingRule, progress: Progress | None = None
    ) -> OrderCounts:
        """The counts of ``baskets``; pairs are counted when ``pairs()`` is read."""


def get_engine() -> Engine:
    """The engine that ``SIMILARITY["ORDERS"]["SOURCE"]["ENGINE"]`` names.

    Raises :class:`ConfigurationError` for a path that leads to none.
    """
    path = conf.get("ORDERS", "ENGINE")
    made = conf.load(path)
    engine = made() if isinstance(made, type) else made
    if not isinstance(engine, Engine):
        raise ConfigurationError(
            f"SIMILARITY['ORDERS']['SOURCE']['ENGINE'] names {path!r}, which is no Engine; derive "
            "it from similarity.orders.counting.engine.Engine."
        )
    return engine


def basket_weight(day: int, rule: CountingRule) -> int:
    """The weight of an order of ``day``, :data:`ONE` at most."""
    return _weight_of_age(max(rule.reference_day - day, 0), rule.half_life_days)


def basket_weights(days: NDArray[np.int32], rule: CountingRule) -> NDArray[np.int64]:
    """:func:`basket_weight` of each of ``days`` (B,)."""
    every, of = np.unique(days, return_inverse=True)
    # By the very function of a single day: two roundings of a power could differ.
    weights = [basket_weight(int(day), rule) for day in every]
    return np.asarray(weights, np.int64)[of].reshape(len(days))


@lru_cache(maxsize=4096)
def _weight_of_age(age_days: int, half_life_days: float) -> int:
    return round(ONE * 2.0 ** (-age_days / half_life_days))
