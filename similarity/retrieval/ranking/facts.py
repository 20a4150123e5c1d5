"""What is read live of the products themselves: that they exist, stock, price, sales."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db.models import QuerySet

from similarity.catalog.adapter import PRICE, CatalogAdapter
from similarity.models import CountedItem, CountedProduct
from similarity.retrieval.ranking.deadline import Reading


@dataclass(frozen=True)
class Facts:
    """Of the products that exist: ``prices`` has them all as keys."""

    prices: dict[Any, float | None] = field(default_factory=dict)
    in_stock: frozenset[Any] = frozenset()
    #: Share of the best seller's sales, on a logarithmic scale, 0 to 1.
    popularity: dict[Any, float] = field(default_factory=dict)


def read_facts(keys: Sequence[Any], adapter: CatalogAdapter, reading: Reading) -> Facts:
    """What is known of the products of these keys at this moment."""
    products = adapter.model._base_manager.using(reading.using).filter(pk__in=keys).order_by()
    reading.step()
    prices = _prices(products, adapter)
    reading.step()
    in_stock = frozenset(adapter.in_stock(products).values_list("pk", flat=True))
    popularity = _sales(list(prices), reading)
    if not popularity:
        reading.step()
        popularity = _ranks(products, adapter)
    return Facts(prices, in_stock, popularity)


def _prices(products: QuerySet[Any], adapter: CatalogAdapter) -> dict[Any, float | None]:
    priced = adapter.annotate_price(products)
    if PRICE not in priced.query.annotations:
        return dict.fromkeys(products.values_list("pk", flat=True))
    rows = priced.values_list("pk", PRICE)
    return {key: None if price is None else float(price) for key, price in rows}


def _sales(keys: Sequence[Any], reading: Reading) -> dict[Any, float]:
    """By the decayed weight of orders; empty where no orders are counted."""
    by_text = {str(key): key for key in keys}
    reading.step()
    counted = CountedProduct.objects.using(reading.using).filter(key__in=list(by_text))
    items = dict(counted.values_list("key", "item"))
    if not items:
        return {}
    reading.step()
    rows = CountedItem.objects.using(reading.using).filter(number__in=set(items.values()))
    weights = dict(rows.values_list("number", "weight"))
    logs = {by_text[key]: float(np.log1p(weights.get(item, 0))) for key, item in items.items()}
    most = max(logs.values())
    return {key: value / most for key, value in logs.items()} if most else {}


def _ranks(products: QuerySet[Any], adapter: CatalogAdapter) -> dict[Any, float]:
    """By the host's own order of sales, where it has one."""
    best = adapter.popular(products)
    keys = [] if best is None else list(best.values_list("pk", flat=True))
    return {key: 1 - rank / len(keys) for rank, key in enumerate(keys)}
