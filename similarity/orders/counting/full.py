"""Count every order again: the nightly count and the first count.

Orders that change during the count stay in the outbox. The ledger holds each order as it was read,
so counting the change later adds the exact difference.
"""

import struct
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
from django.db import connections
from django.db.models.functions import Now

from similarity.connections import wakeup
from similarity.exceptions import ConfigurationError
from similarity.orders import complements
from similarity.orders.adapter import get_order_adapter
from similarity.orders.counting import ranking, runs, storage
from similarity.orders.counting.engine import CountingRule, OrderCounts, get_engine
from similarity.orders.counting.reading import (
    EPOCH,
    Items,
    Orders,
    columns,
    read_orders,
    roll_up,
)
from similarity.orders.models import CountedItem, CountedProduct, CountRun
from similarity.types import Progress, no_progress

#: How long a full count waits for another process that is counting.
WAIT_S = 60.0


def count_all(progress: Progress | None = None, *, only_first: bool = False) -> CountRun:
    """Count all orders of the window, replace every count and return the run.

    The count is one transaction: until it commits, pages show the former counts and never wait.
    With ``only_first``, keep the counts if another process has counted in the meantime. Raises
    :class:`ConfigurationError` without an order adapter, and
    :class:`similarity.orders.counting.runs.CountBusy` if another process counts for too long.
    """
    adapter = get_order_adapter()
    if adapter is None:
        raise ConfigurationError(
            "SIMILARITY['ORDERS']['SOURCE'] is None, so there are no orders to count; map the "
            "order model there, see docs/settings.md."
        )
    report = progress or no_progress
    began = time.monotonic()
    with runs.counting(WAIT_S) as last, connections[runs.alias()].cursor() as cursor:
        if only_first and last is not None:
            return last
        rule = CountingRule.from_settings()
        released = ranking.read_released(cursor)
        storage.empty_tables(runs.alias())
        orders = read_orders(adapter, rule, cursor, report, last.baskets if last else 0)
        items = roll_up(orders)
        counts = get_engine().count(columns(orders, items), rule, report)
        _write_names(orders, items, counts, cursor)
        _write_pairs(counts, ranking.Release(released, items.names), cursor, report)
        complements.learn(orders, rule, runs.alias())
        run = _finish(orders, items, counts, rule, time.monotonic() - began)
    wakeup.wake(runs.TASK)  # count the orders that changed during this count
    return run


def _write_names(orders: Orders, items: Items, counts: OrderCounts, cursor: Any) -> None:
    """Write products and items with their counts."""
    product = np.frombuffer(orders.product, np.int32)
    bought = np.bincount(product, minlength=len(orders.number)).tolist()
    keys = [str(key) for key in orders.number]
    item_of = items.of_product.tolist()
    products: list[list[str]] = [[] for _ in items.names]
    for number in sorted(range(len(keys)), key=lambda at: (-bought[at], keys[at])):
        products[item_of[number]].append(keys[number])
    storage.copy_into(
        cursor,
        CountedProduct._meta.db_table,
        ("number", "key", "item", "orders"),
        _product_rows(keys, item_of, bought),
    )
    storage.copy_into(
        cursor,
        CountedItem._meta.db_table,
        ("number", "name", "products", "weight", "orders", "shoppers", "shown_weight"),
        _item_rows(items.names, products, counts),
    )


def _product_rows(keys: list[str], items: list[int], orders: list[int]) -> Iterator[bytes]:
    for number, (key, item, bought) in enumerate(zip(keys, items, orders, strict=True)):
        yield struct.pack("!hii", 4, 4, number)
        yield storage.text_field(key)
        yield struct.pack("!iiii", 4, item, 4, bought)


def _item_rows(names: list[str], products: list[list[str]], counts: OrderCounts) -> Iterator[bytes]:
    numbers = (column.tolist() for column in counts.items)
    for number, (name, keys, weight, orders, shoppers) in enumerate(
        zip(names, products, *numbers, strict=True)
    ):
        yield struct.pack("!hii", 7, 4, number)
        yield storage.text_field(name)
        yield storage.text_array_field(keys)
        yield struct.pack("!iqiiiiiq", 8, weight, 4, orders, 4, shoppers, 8, weight)


def _write_pairs(
    counts: OrderCounts, release: ranking.Release, cursor: Any, progress: Progress
) -> None:
    """Write all pairs for updates and the best pairs for pages, block by block."""
    total = len(counts.items.weight)
    for block in counts.pairs():
        storage.copy_pairs(cursor, block)
        release.write(block, counts.items, counts.total_weight, cursor)
        progress("write", int(block.first[-1]) + 1 if len(block.first) else 0, total)
    progress("write", total, total)


def _finish(
    orders: Orders, items: Items, counts: OrderCounts, rule: CountingRule, took_s: float
) -> CountRun:
    run, _created = CountRun.objects.using(runs.alias()).update_or_create(
        pk=1,
        defaults={
            "reference_day": EPOCH + timedelta(days=rule.reference_day),
            "half_life_days": rule.half_life_days,
            "window_days": rule.window_days,
            "max_basket": rule.max_basket,
            "baskets": counts.baskets,
            "total_weight": counts.total_weight,
            "shown_weight": counts.total_weight,
            "items": len(items.names),
            "products": len(orders.number),
            "full_at": Now(),
            "full_s": took_s,
            "counted_at": Now(),
        },
    )
    run.refresh_from_db(using=runs.alias())
    return run
