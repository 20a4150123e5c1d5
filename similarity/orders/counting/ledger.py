"""Store each order as it was counted, so that a change is counted exactly once.

A change is the difference between the ledger and the current order. Counting an order a second
time, after a crash or by two workers, finds no difference and changes no count.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import connections

from similarity.orders.counting.storage import pack_numbers, unpack_numbers


class Recorded(NamedTuple):
    """An order as it was counted: ``day`` since 1970-01-01, product numbers ascending."""

    shopper: int
    day: int
    products: tuple[int, ...]


def of_orders(keys: Iterable[str], alias: str) -> dict[str, Recorded]:
    """Return the ledger's entries of these orders by key, without orders that are not counted."""
    return dict(_read(_OF_ORDERS, list(keys), alias))


def of_shoppers(shoppers: Iterable[int], alias: str) -> dict[int, dict[str, Recorded]]:
    """Return every ledger entry of these shoppers, by shopper and order key."""
    found: dict[int, dict[str, Recorded]] = {shopper: {} for shopper in shoppers}
    for key, recorded in _read(_OF_SHOPPERS, list(found), alias):
        found[recorded.shopper][key] = recorded
    return found


def replace(baskets: Mapping[str, Recorded], gone: Sequence[str], alias: str) -> None:
    """Write the new or changed ``baskets`` and delete the ``gone`` orders."""
    with connections[alias].cursor() as cursor:
        if gone:
            cursor.execute(
                "DELETE FROM similarity_countedbasket WHERE order_key = ANY(%s::text[])",
                [list(gone)],
            )
        if baskets:
            cursor.execute(
                """
                INSERT INTO similarity_countedbasket (order_key, shopper, day, products)
                SELECT * FROM unnest(%s::text[], %s::bigint[], %s::int[], %s::bytea[])
                ON CONFLICT (order_key) DO UPDATE SET shopper = excluded.shopper,
                    day = excluded.day, products = excluded.products
                """,
                [
                    list(baskets),
                    [basket.shopper for basket in baskets.values()],
                    [basket.day for basket in baskets.values()],
                    [pack_numbers(basket.products) for basket in baskets.values()],
                ],
            )


_OF_ORDERS = """
    SELECT order_key, shopper, day, products FROM similarity_countedbasket
    WHERE order_key = ANY(%s::text[])
"""
_OF_SHOPPERS = """
    SELECT order_key, shopper, day, products FROM similarity_countedbasket
    WHERE shopper = ANY(%s::bigint[])
"""


def _read(query: str, values: list[str] | list[int], alias: str) -> list[tuple[str, Recorded]]:
    if not values:
        return []
    with connections[alias].cursor() as cursor:
        cursor.execute(query, [values])
        return [
            (key, Recorded(shopper, day, tuple(unpack_numbers(products))))
            for key, shopper, day, products in cursor
        ]
