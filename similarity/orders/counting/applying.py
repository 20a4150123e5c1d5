"""Apply count differences to the stored items, products and rows of pairs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from django.db import connections
from numpy.typing import NDArray

from similarity.exceptions import CountError
from similarity.orders.counting.differences import CountDifference
from similarity.orders.counting.storage import (
    PAIR,
    WRITE_BYTES,
    Rows,
    pack_pairs,
    unpack_pairs,
)


class CountsDisagree(CountError):
    """Raised when the stored counts contradict the orders; a full count repairs them.

    Something other than this plugin has changed the tables.
    """


class ChangedPairs(NamedTuple):
    """The changed rows of pairs, and for each row the partners that pages show."""

    rows: Rows
    shown: dict[int, list[int]]


def apply(found: CountDifference, alias: str) -> ChangedPairs:
    """Add the difference to the tables and return the changed pairs."""
    _add_to_products_and_items(found, alias)
    return _add_to_pairs(found.pairs, alias)


def _add_to_products_and_items(found: CountDifference, alias: str) -> None:
    products = {number: orders for number, orders in found.products.items() if orders}
    items = [[number, *added] for number, added in found.items.items()]
    if items:
        columns = [list(column) for column in zip(*items, strict=True)]
        with connections[alias].cursor() as cursor:
            cursor.execute(_ADD, [list(products), list(products.values()), *columns])


#: Delete products without orders and items without products. An item lists its products by orders.
#: A part of the statement cannot see rows that another part writes, so ``sold`` combines the
#: changed products with the unchanged products.
_ADD = """
    WITH added AS (SELECT * FROM unnest(%s::int[], %s::int[]) AS added(number, orders)),
    changed AS (
        SELECT * FROM unnest(%s::int[], %s::bigint[], %s::int[], %s::int[])
            AS changed(number, weight, orders, shoppers)
    ),
    unsold AS (
        DELETE FROM similarity_countedproduct AS product USING added
        WHERE product.number = added.number AND product.orders + added.orders = 0
    ),
    resold AS (
        UPDATE similarity_countedproduct AS product
        SET orders = product.orders + added.orders
        FROM added WHERE product.number = added.number AND product.orders + added.orders <> 0
        RETURNING product.key, product.item, product.orders
    ),
    sold AS (
        SELECT item, array_agg(key::text ORDER BY orders DESC, key) AS products
        FROM (
            SELECT key, item, orders FROM resold
            UNION ALL
            SELECT product.key, product.item, product.orders
            FROM similarity_countedproduct AS product
            JOIN changed ON changed.number = product.item
            WHERE NOT EXISTS (SELECT FROM added WHERE added.number = product.number)
        ) AS product
        GROUP BY item
    ),
    emptied AS (
        DELETE FROM similarity_counteditem AS item USING changed
        WHERE item.number = changed.number
            AND NOT EXISTS (SELECT FROM sold WHERE sold.item = item.number)
    )
    UPDATE similarity_counteditem AS item
    SET weight = item.weight + changed.weight, orders = item.orders + changed.orders,
        shoppers = item.shoppers + changed.shoppers, products = sold.products
    FROM changed JOIN sold ON sold.item = changed.number
    WHERE item.number = changed.number
"""


def _add_to_pairs(pairs: Mapping[tuple[int, int], list[int]], alias: str) -> ChangedPairs:
    added: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
    for (first, second), (weight, orders, shoppers) in pairs.items():
        if weight or orders or shoppers:
            added[first].append((second, weight, orders, shoppers))
            added[second].append((first, weight, orders, shoppers))
    changed = ChangedPairs({}, {})
    if not added:
        return changed
    with connections[alias].cursor() as cursor:
        cursor.execute(_READ_PAIRS, [list(added)])
        for number, packed, shown in cursor:
            held = np.empty(0, PAIR) if packed is None else unpack_pairs(packed)
            changed.rows[number] = _merged(number, held, np.array(added[number], PAIR))
            if shown:
                changed.shown[number] = shown
        gone = [number for number, row in changed.rows.items() if not len(row)]
        for some in _gathered(changed.rows):
            cursor.execute(_WRITE_PAIRS, [gone, list(some), list(some.values())])
    return changed


_READ_PAIRS = """
    SELECT wanted.number, held.pairs, stored.partners
    FROM unnest(%s::int[]) AS wanted(number)
    LEFT JOIN similarity_paircounts AS held USING (number)
    LEFT JOIN similarity_productpartners AS stored USING (number)
"""

_WRITE_PAIRS = """
    WITH emptied AS (DELETE FROM similarity_paircounts WHERE number = ANY(%s))
    INSERT INTO similarity_paircounts (number, pairs)
    SELECT * FROM unnest(%s::int[], %s::bytea[])
    ON CONFLICT (number) DO UPDATE SET pairs = excluded.pairs
"""


def _gathered(rows: Rows) -> Iterator[dict[int, bytes]]:
    """Yield packed rows that have partners, about WRITE_BYTES at a time; at least one dict.

    Yield one empty dict if all rows are without partners.
    """
    some: dict[int, bytes] = {}
    size = 0
    for number, row in rows.items():
        if len(row):
            some[number] = pack_pairs(row)
            size += len(some[number])
        if size >= WRITE_BYTES:
            yield some
            some, size = {}, 0
    yield some


def _merged(first: int, old: NDArray[np.void], added: NDArray[np.void]) -> NDArray[np.void]:
    """Return the sum by partner, without partners that have no orders left.

    Raise :class:`CountsDisagree` if a count becomes negative.
    """
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
