"""Read the host's orders into columns of numbers, and write them to the ledger."""

import struct
from array import array
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import numpy as np
from django.db import IntegrityError
from numpy.typing import NDArray

from similarity.catalog import times
from similarity.exceptions import CountError
from similarity.orders.adapter import Basket, OrderAdapter
from similarity.orders.counting import numbering, storage
from similarity.orders.counting.engine import Baskets, CountingRule
from similarity.orders.models import CountedBasket
from similarity.types import Progress

#: Orders that are read and written to the ledger at once.
CHUNK = 20_000

EPOCH = date(1970, 1, 1)


@dataclass
class Orders:
    """Every order of the window, in columns.

    ``shopper``, ``day`` and ``length`` (products) have an entry for each order, ``product`` has an
    entry for each product of each order. ``number`` holds each product's number by key.
    """

    shopper: array = field(default_factory=lambda: array("q"))
    day: array = field(default_factory=lambda: array("i"))
    length: array = field(default_factory=lambda: array("i"))
    product: array = field(default_factory=lambda: array("i"))
    number: dict[Any, int] = field(default_factory=dict)


@dataclass
class Items:
    """Each product's item by product number (int32, -1 without an item), and the items' names."""

    of_product: NDArray[np.int32]
    names: list[str]


def day_number(day: date) -> int:
    """Return the days since 1970-01-01."""
    return (day - EPOCH).days


def window_start(rule: CountingRule) -> datetime:
    """Return the first moment of the window, in the host's ``TIME_ZONE``."""
    day = EPOCH + timedelta(days=rule.reference_day - rule.window_days)
    return times.aware(day)


def in_window(day: int, rule: CountingRule) -> bool:
    return day >= rule.reference_day - rule.window_days


def read_orders(
    adapter: OrderAdapter, rule: CountingRule, cursor: Any, progress: Progress, expected: int
) -> Orders:
    """Stream the orders of the window into columns and, in chunks, into the ledger.

    Raises :class:`CountError` if the adapter yields an order twice.
    """
    orders = Orders()
    baskets = adapter.baskets(since=window_start(rule))
    while some := list(islice(baskets, CHUNK)):
        rows = [_record(basket, orders) for basket in some if in_window(_day(basket), rule)]
        try:
            storage.copy_into(cursor, *_LEDGER, rows)
        except IntegrityError as error:
            raise CountError(
                f"{type(adapter).__name__}.baskets() yielded an order twice; it must yield each "
                f"order once: {error}"
            ) from error
        done = len(orders.day)
        progress("orders", done, max(done, expected))
    return orders


def roll_up(orders: Orders) -> Items:
    """Return the item of each product: the group of its variants, or the product itself."""
    names = numbering.item_names(list(orders.number))
    number: dict[str, int] = {}
    of_product = [number.setdefault(name, len(number)) for name in names]
    return Items(np.asarray(of_product, np.int32), list(number))


def columns(orders: Orders, items: Items) -> Baskets:
    """Return the baskets for an engine: each item once per basket, ascending.

    Products without an item are left out.
    """
    length = np.frombuffer(orders.length, np.int32)
    basket = np.repeat(np.arange(len(length), dtype=np.int32), length)
    item = items.of_product[np.frombuffer(orders.product, np.int32)]
    total = len(items.names)
    # Sort as one number, so that variants of a product become equal.
    line = (basket.astype(np.int64) * total + item)[item >= 0]
    line.sort()
    line = line[np.diff(line, prepend=-1) != 0]
    return Baskets(
        basket=(line // total).astype(np.int32),
        item=(line % total).astype(np.int32),
        shopper=np.frombuffer(orders.shopper, np.int64),
        day=np.frombuffer(orders.day, np.int32),
        items=total,
    )


_LEDGER = (CountedBasket._meta.db_table, ("order_key", "shopper", "day", "products"))
_fields = struct.Struct("!iqiii").pack


def _day(basket: Basket) -> int:
    return day_number(basket.day)


def _record(basket: Basket, orders: Orders) -> bytes:
    """Append a basket to the columns and return its ledger row."""
    number = orders.number
    products = sorted({number.setdefault(key, len(number)) for key in basket.products})
    shopper, day = numbering.shopper_of(basket), _day(basket)
    orders.shopper.append(shopper)
    orders.day.append(day)
    orders.length.append(len(products))
    orders.product.extend(products)
    packed = storage.pack_numbers(products)
    return b"".join(
        (
            b"\0\4",  # four columns
            storage.text_field(basket.key),
            _fields(8, shopper, 4, day, len(packed)),
            packed,
        )
    )
