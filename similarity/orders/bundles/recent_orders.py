"""Read the latest orders into columns, with the products that can still be bought."""

import heapq
from collections import Counter
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from django.utils import timezone

from similarity import conf
from similarity.catalog import times
from similarity.catalog.adapter import CatalogAdapter
from similarity.models import ProductVectors
from similarity.orders.adapter import Basket, OrderAdapter
from similarity.orders.bundles.itemsets import BasketLines
from similarity.orders.counting import numbering
from similarity.orders.counting.numbering import shopper_of

#: Products looked up at once.
READ_AT_ONCE = 5000

#: Number of latest orders that are searched for bundles.
MAX_ORDERS = 100_000


class RecentOrders(NamedTuple):
    """The latest orders and the products on sale in them.

    ``lines`` hold only items with a product on sale. ``products`` has a key by item: the ordered
    variant on sale in most orders, otherwise another variant of the group. ``names`` are the items'
    names.
    """

    lines: BasketLines
    products: dict[int, Any]
    names: list[str]


def read_recent(orders: OrderAdapter, catalogue: CatalogAdapter) -> RecentOrders:
    """Return the ``MAX_ORDERS`` latest orders of the window.

    Leave out orders of more than ``ORDERS["MAX_BASKET"]`` items, as for pairs.
    """
    baskets = _latest(orders)
    sold = Counter(key for basket in baskets for key in basket.products)
    keys = sorted(sold, key=lambda key: (-sold[key], str(key)))
    on_sale = _on_sale(keys, catalogue)
    number: dict[str, int] = {}
    item_of = {
        key: number.setdefault(name, len(number))
        for key, name in zip(keys, numbering.item_names(keys), strict=True)
    }
    products: dict[int, Any] = {}
    for key in keys:  # products in most orders first
        if key in on_sale:
            products.setdefault(item_of[key], key)
    missing = [name for name, item in number.items() if item not in products]
    for name, key in _others_on_sale(missing, catalogue).items():
        products[number[name]] = key
    return RecentOrders(_lines(baskets, item_of, products), products, list(number))


def _latest(orders: OrderAdapter) -> list[Basket]:
    most = MAX_ORDERS
    since = times.aware(timezone.now() - timedelta(days=conf.get("ORDERS", "WINDOW_DAYS")))
    numbers = count()
    kept: list[tuple[Any, int, Basket]] = []
    for basket in orders.baskets(since=since):
        entry = (basket.at, next(numbers), basket)
        if len(kept) < most:
            heapq.heappush(kept, entry)
        else:
            heapq.heappushpop(kept, entry)
    return [basket for _, _, basket in sorted(kept, key=lambda entry: entry[:2])]


def _on_sale(keys: list[Any], catalogue: CatalogAdapter) -> set[Any]:
    found: set[Any] = set()
    for start in range(0, len(keys), READ_AT_ONCE):
        some = keys[start : start + READ_AT_ONCE]
        eligible = catalogue.eligible().using(catalogue.write_alias).order_by().filter(pk__in=some)
        found.update(eligible.values_list("pk", flat=True))
    return found


def _others_on_sale(names: list[str], catalogue: CatalogAdapter) -> dict[str, Any]:
    """Return item → another product of its group on sale.

    Only items without an ordered variant on sale have an entry.
    """
    found: dict[str, Any] = {}
    stored = ProductVectors.objects.using(catalogue.write_alias)
    for start in range(0, len(names), READ_AT_ONCE):
        members = stored.members(names[start : start + READ_AT_ONCE])
        on_sale = _on_sale([key for some in members.values() for key in some], catalogue)
        found |= {
            name: key for name, some in members.items() for key in reversed(some) if key in on_sale
        }
    return found


def _lines(baskets: list[Basket], item_of: dict[Any, int], products: dict[int, Any]) -> BasketLines:
    most = conf.get("ORDERS", "MAX_BASKET")
    basket_of: list[int] = []
    item: list[int] = []
    shopper: list[int] = []
    for basket in baskets:
        items = {item_of[key] for key in basket.products}
        if len(items) > most:
            continue
        held = sorted(items & products.keys())
        basket_of += [len(shopper)] * len(held)
        item += held
        shopper.append(shopper_of(basket))
    return BasketLines(
        np.asarray(basket_of, np.int32), np.asarray(item, np.int32), np.asarray(shopper, np.int64)
    )
