"""Differences into the stored counts: items, products, and each item's row of pairs."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from django.db import connections
from numpy.typing import NDArray

from similarity.exceptions import CountError
from similarity.orders.counting import storage
from similarity.orders.counting.differences import Difference
from similarity.orders.counting.storage import PAIR, Rows, unpack_pairs
from similarity.orders.models import CountedItem, CountedProduct, PairCounts


class CountsDisagree(CountError):
    """The tables were changed by something else; a full count mends them."""


_ITEMS = CountedItem._meta.db_table
_PRODUCTS = CountedProduct._meta.db_table
_PAIRS = PairCounts._meta.db_table


def apply(found: Difference, alias: str) -> Rows:
    """Add the difference to the tables; returns the rows of pairs it changed, as they are now."""
    _add_to_products(found.products, alias)
    _add_to_items(found.items, alias)
    return _add_to_pairs(found.pairs, alias)


def _add_to_items(items: Mapping[int, list[int]], alias: str) -> None:
    columns = [list(items), *(list(column) for column in zip(*items.values(), strict=True))]
    if not items:
        return
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE {_ITEMS} AS item SET weight = item.weight + added.weight,
                orders = item.orders + added.orders, shoppers = item.shoppers + added.shoppers
            FROM unnest(%s::int[], %s::bigint[], %s::int[], %s::int[])
                AS added(number, weight, orders, shoppers)
            WHERE item.number = added.number
            """,  # noqa: S608 - the table's own name
            columns,
        )


def _add_to_products(products: Mapping[int, int], alias: str) -> None:
    """Orders by product; an item lists its products by them, and goes with the last one."""
    numbers = list(products)
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE {_PRODUCTS} AS product SET orders = product.orders + added.orders
            FROM unnest(%s::int[], %s::int[]) AS added(number, orders)
            WHERE product.number = added.number
            RETURNING product.item
            """,  # noqa: S608 - the table's own name
            [numbers, list(products.values())],
        )
        items = sorted({item for (item,) in cursor})
        cursor.execute(
            f"DELETE FROM {_PRODUCTS} WHERE number = ANY(%s) AND orders = 0",  # noqa: S608
            [numbers],
        )
        cursor.execute(
            f"""
            UPDATE {_ITEMS} AS item SET products = coalesce((
                SELECT array_agg(product.key::text ORDER BY product.orders DESC, product.key)
                FROM {_PRODUCTS} AS product WHERE product.item = item.number
            ), ARRAY[]::text[])
            WHERE item.number = ANY(%s)
            """,  # noqa: S608 - the tables' own names
            [items],
        )


def forget_empty(found: Difference, alias: str) -> None:
    """Delete the items of which no product is left in any order."""
    rows = CountedItem.objects.using(alias)
    rows.filter(number__in=list(found.items), products=[]).delete()


def _add_to_pairs(pairs: Mapping[tuple[int, int], list[int]], alias: str) -> Rows:
    added: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
    for (first, second), (weight, orders, shoppers) in pairs.items():
        if weight or orders or shoppers:
            added[first].append((second, weight, orders, shoppers))
            added[second].append((first, weight, orders, shoppers))
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"SELECT number, pairs FROM {_PAIRS} WHERE number = ANY(%s)",  # noqa: S608
            [list(added)],
        )
        held = {number: unpack_pairs(packed) for number, packed in cursor}
    nothing = np.empty(0, PAIR)
    rows = {
        first: _merged(first, held.get(first, nothing), np.array(changes, PAIR))
        for first, changes in added.items()
    }
    _write(rows, alias)
    return rows


def _merged(first: int, old: NDArray[np.void], added: NDArray[np.void]) -> NDArray[np.void]:
    """The sum by partner, without partners that no order is left of."""
    added = added[np.argsort(added["second"])]
    at = np.searchsorted(old["second"], added["second"])
    known = at < len(old)
    known[known] = old["second"][at[known]] == added["second"][known]
    rows = old.copy()
    for column in ("weight", "orders", "shoppers"):
        rows[column][at[known]] += added[column][known]
    rows = np.insert(rows, at[~known], added[~known])
    kept = rows[rows["orders"] != 0]
    if (kept["orders"] < 0).any() or (kept["shoppers"] < 0).any():
        raise CountsDisagree(
            f"The counts of item {first} disagree with the orders they were counted from."
        )
    return kept


def _write(rows: Rows, alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"DELETE FROM {_PAIRS} WHERE number = ANY(%s)", [list(rows)])  # noqa: S608
        storage.copy_pairs(cursor, storage.block_of(rows))
