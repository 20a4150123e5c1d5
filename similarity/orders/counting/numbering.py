"""Number products, items and customers; the variants of a product are one item.

The first count of a product fixes its item until the next full count. A change of its group
therefore never subtracts counts that were never added.
"""

import hashlib
import hmac
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connections

from similarity.catalog.adapter import get_adapter
from similarity.models.vectors import group_name
from similarity.orders.adapter import Basket
from similarity.orders.models import CountedItem, CountedProduct, CountRun

#: Products per request for groups.
GROUPED_AT_ONCE = 5000


def item_names(keys: Sequence[Any]) -> list[str]:
    """Return the name of each product's item, in the order of ``keys``."""
    adapter = get_adapter()
    names: list[str] = []
    for start in range(0, len(keys), GROUPED_AT_ONCE):
        some = keys[start : start + GROUPED_AT_ONCE]
        groups = adapter.groups(some)
        names += [group_name(str(key), groups.get(key) or "") for key in some]
    return names


def number_products(keys: Iterable[Any], run: CountRun, alias: str) -> dict[Any, int]:
    """Return the number of each product; new products get the next free numbers.

    ``run`` holds the numbers already used; the caller has locked it and saves it.
    """
    wanted = {str(key): key for key in keys}
    if not wanted:
        return {}
    numbers = _numbers(_OF_KEYS, wanted, alias)
    new = [key for text, key in sorted(wanted.items()) if text not in numbers]
    if new:
        names = item_names(new)
        items = _number_items(names, run, alias)
        rows = [
            CountedProduct(number=run.products + at, key=str(key), item=items[name])
            for at, (key, name) in enumerate(zip(new, names, strict=True))
        ]
        CountedProduct.objects.using(alias).bulk_create(rows)
        run.products += len(rows)
        numbers.update({row.key: row.number for row in rows})
    return {key: numbers[text] for text, key in wanted.items()}


def items_of(products: Iterable[int], alias: str) -> Mapping[int, int]:
    """Return the item number by product number."""
    rows = CountedProduct.objects.using(alias).filter(number__in=set(products))
    return dict(rows.values_list("number", "item"))


def _number_items(names: Iterable[str], run: CountRun, alias: str) -> dict[str, int]:
    wanted = dict.fromkeys(names)
    numbers = _numbers(_OF_NAMES, wanted, alias)
    rows = [
        CountedItem(number=run.items + at, name=name)
        for at, name in enumerate(name for name in wanted if name not in numbers)
    ]
    CountedItem.objects.using(alias).bulk_create(rows)
    run.items += len(rows)
    return numbers | {row.name: row.number for row in rows}


_OF_KEYS = "SELECT key, number FROM similarity_countedproduct WHERE key = ANY(%s::text[])"
_OF_NAMES = "SELECT name, number FROM similarity_counteditem WHERE name = ANY(%s::text[])"


def _numbers(query: str, values: Iterable[str], alias: str) -> dict[str, int]:
    with connections[alias].cursor() as cursor:
        cursor.execute(query, [list(values)])
        return dict(cursor.fetchall())


def shopper_of(basket: Basket) -> int:
    """Return the customer's pseudonym of 63 bits; a negative number if the customer is unknown."""
    customer = unicodedata.normalize("NFKC", basket.customer).strip().lower()
    text = f"customer:{customer}" if customer else f"order:{basket.key}"
    digest = hmac.digest(_key(settings.SECRET_KEY), text.encode("utf-8", "surrogatepass"), "sha256")
    number = int.from_bytes(digest[:8], "big") >> 1
    return number if customer else -1 - number


def is_known(shopper: int) -> bool:
    """Return True if the pseudonym belongs to a known customer, who counts as a shopper."""
    return shopper >= 0


@cache
def _key(secret: str | bytes) -> bytes:
    """Return a key for this purpose only, derived from the host's key."""
    secret = secret.encode() if isinstance(secret, str) else secret
    return hmac.digest(secret, b"similarity.copurchase.shopper", hashlib.sha256)
