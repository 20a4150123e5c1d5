"""Measure a full count of a shop's orders, and updates of single orders and of hundreds.

Orders are drawn at random (popularity by Zipf, two per customer on average) and read through an
order adapter, like those of any host. They are counted in a separate database on the configured
server, which is dropped afterwards:

    python benchmarks/count_orders.py --orders 1000000 --products 100000

Prints seconds, the processor time of this process (without PostgreSQL's), its peak memory, and the
sizes of the tables.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

from benchmarks.processes import use_demo_servers

use_demo_servers()

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.machine import machine  # noqa: E402
from benchmarks.scratch import own_database  # noqa: E402
from shop.models import Order  # noqa: E402
from similarity.orders.adapter import Basket, OrderAdapter, Sale  # noqa: E402
from similarity.orders.counting.full import count_all  # noqa: E402
from similarity.orders.counting.updating import count_pending, enqueue_orders  # noqa: E402

CHANGED = (1, 100, 1000)


class DrawnOrders(OrderAdapter):
    """Orders in arrays; ``cancelled`` holds the numbers of orders that do not count."""

    model = Order
    cancelled: set[int] = set()

    @classmethod
    def draw(cls, orders: int, products: int) -> None:
        chance = np.random.default_rng(1)
        sizes = np.clip(chance.poisson(4, orders) + 1, 1, 20)
        share = np.cumsum(1 / np.arange(1, products + 1) ** 0.8)
        cls.product = np.searchsorted(share / share[-1], chance.random(int(sizes.sum())))
        cls.start = np.concatenate(([0], np.cumsum(sizes)))
        cls.customer = chance.integers(0, max(orders // 2, 1), orders)
        cls.age_days = chance.integers(0, 700, orders)
        cls.now = timezone.now()

    def baskets(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Basket]:
        return self.baskets_of(map(str, range(len(self.customer))))

    def baskets_of(self, keys: Iterable[str]) -> Iterator[Basket]:
        for key in keys:
            at = int(key)
            if at not in self.cancelled:
                bought = self.product[self.start[at] : self.start[at + 1]].tolist()
                placed = self.now - timedelta(days=int(self.age_days[at]))
                yield Basket(key, str(self.customer[at]), placed, tuple(dict.fromkeys(bought)))

    def sales(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Sale]:
        return iter(())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--products", type=int, default=20_000)
    chosen = parser.parse_args()
    DrawnOrders.draw(chosen.orders, chosen.products)
    settings.SIMILARITY = {**settings.SIMILARITY, "ORDERS": {"SOURCE": "__main__.DrawnOrders"}}
    lines = len(DrawnOrders.product)
    print(f"{chosen.orders} orders, {lines} lines, {chosen.products} products")
    with own_database():
        report("full count", chosen.orders, count_all)
        for number in CHANGED:
            cancel(list(range(0, chosen.orders, chosen.orders // number))[:number])
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
        print_sizes()
    print(machine())  # last, because it imports torch, which counting does not


def cancel(orders: list[int]) -> None:
    enqueue_orders(orders, wake=False)
    DrawnOrders.cancelled = set(orders)
    report(f"{len(orders)} cancelled", len(orders), lambda: count_pending(3600))
    enqueue_orders(orders, wake=False)
    DrawnOrders.cancelled = set()
    report(f"{len(orders)} placed again", len(orders), lambda: count_pending(3600))


def report(name: str, orders: int, work) -> None:
    began, busy = time.perf_counter(), time.process_time()
    work()
    took_s, busy_s = time.perf_counter() - began, time.process_time() - busy
    print(f"{name:20} {took_s:8.2f} s  processor {busy_s:6.2f} s  {orders / took_s:8.0f} orders/s")


def print_sizes() -> None:
    tables = ("countedbasket", "countedproduct", "counteditem", "paircounts", "productpartners")
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute("SELECT pg_total_relation_size(%s)", [f"similarity_{table}"])
            print(f"{table:20} {cursor.fetchone()[0] / 2**20:8.1f} MiB")


if __name__ == "__main__":
    main()
