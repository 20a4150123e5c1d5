"""The host's orders as columns of numbers, and into the ledger on the way."""

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
from similarity.orders.counting import numbering, pseudonyms, storage
from similarity.orders.counting.engine import Baskets, CountingRule
from similarity.orders.models import CountedBasket
from similarity.types import Progress

#: Orders that are read and written into the ledger at once.
CHUNK = 20_000

EPOCH = date(1970, 1, 1)


@dataclass
class Orders:
    """Every order of the window, in columns.

    ``shopper``, ``day`` and ``length`` (products) have an entry for each order, ``product``
    one for each product of each order; ``number`` gives each product's number.
    """

    shopper: array = field(default_factory=lambda: array("q"))
    day: array = field(default_factory=lambda: array("i"))
    length: array = field(default_factory=lambda: array("i"))
    product: array = field(default_factory=lambda: array("i"))
    number: dict[Any, int] = field(default_factory=dict)


@dataclass
class Items:
    """The item of each product by number (int32), -1 for none, and the items' names."""

    of_product: NDArray[np.int32]
    names: list[str]


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def window_start(rule: CountingRule) -> datetime:
    """The first moment whose orders count, in the host's ``TIME_ZONE``."""
    day = EPOCH + timedelta(days=rule.reference_day - rule.window_days)
    return times.aware(day)


def in_window(day: int, rule: CountingRule) -> bool:
    return day >= rule.reference_day - rule.window_days


def read_orders(
    adapter: OrderAdapter, rule: CountingRule, cursor: Any, progress: Progress, expected: int
) -> Orders:
    """Stream the orders that count into columns and, some thousand at a time, into the ledger."""
    orders = Orders()
    baskets = adapter.baskets(since=window_start(rule))
    while some := list(islice(baskets, CHUNK)):
        rows = [_record(basket, orders) for basket in some if in_window(_day(basket), rule)]
        try:
            storage.copy_into(cursor, *_LEDGER, rows)
        except IntegrityError as error:
            raise CountError(
                f"An order came twice from {type(adapter).__name__}.baskets(), which must give "
                f"each once: {error}"
            ) from error
        done = len(orders.day)
        progress("orders", done, max(done, expected))
    return orders


def roll_up(orders: Orders) -> Items:
    """The item of each product: its variants' group, or the product itself."""
    names = numbering.item_names(list(orders.number))
    number: dict[str, int] = {}
    of_product = [number.setdefault(name, len(number)) for name in names]
    return Items(np.asarray(of_product, np.int32), list(number))


def columns(orders: Orders, items: Items) -> Baskets:
    """As an engine counts them: each item once a basket, ascending; products of none left out."""
    length = np.frombuffer(orders.length, np.int32)
    basket = np.repeat(np.arange(len(length), dtype=np.int32), length)
    item = items.of_product[np.frombuffer(orders.product, np.int32)]
    total = len(items.names)
    # Sorted as one number, where variants of one product fall together.
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
    """Append a basket to the columns; returns its row of the ledger."""
    number = orders.number
    products = sorted({number.setdefault(key, len(number)) for key in basket.products})
    shopper, day = pseudonyms.shopper_of(basket), _day(basket)
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
