"""Facts read live from the products themselves: existence, stock, price, sales."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef, QuerySet

from similarity.catalog.adapter import PRICE, CatalogAdapter
from similarity.extension import first_known
from similarity.search.reranking.deadline import TimedReading


@dataclass(frozen=True)
class Facts:
    """Facts of the existing products: ``prices`` has all of them as keys."""

    prices: dict[Any, float | None] = field(default_factory=dict)
    in_stock: frozenset[Any] = frozenset()
    #: Sales relative to the best seller, on a logarithmic scale, 0 to 1.
    popularity: dict[Any, float] = field(default_factory=dict)


def read_facts(keys: Sequence[Any], adapter: CatalogAdapter, reading: TimedReading) -> Facts:
    """Return the current facts of the products of these keys.

    Needs two database queries, or three if no orders are counted.
    """
    every = adapter.model._base_manager.using(reading.using)
    products = every.filter(pk__in=keys).order_by()
    stocked = adapter.in_stock(every.filter(pk=OuterRef("pk")).order_by())
    priced = adapter.annotate_price(products)
    price = [PRICE] if PRICE in priced.query.annotations else []
    rows = priced.annotate(similarity_in_stock=Exists(stocked))
    reading.check()
    prices: dict[Any, float | None] = {}
    in_stock = set()
    for key, is_stocked, *one in rows.values_list("pk", "similarity_in_stock", *price):
        prices[key] = None if not one or one[0] is None else float(one[0])
        if is_stocked:
            in_stock.add(key)
    popularity = _sales(list(prices), reading)
    if not popularity:
        reading.check()
        popularity = _ranks(products, adapter)
    return Facts(prices, frozenset(in_stock), popularity)


def _sales(keys: Sequence[Any], reading: TimedReading) -> dict[Any, float]:
    """Return sales by the decayed weight of orders; empty if no orders are counted."""
    by_text = {str(key): key for key in keys}
    reading.check()
    names = list(by_text)
    weights: Mapping[str, float] = first_known(lambda one: one.sales(names, reading.using), {})
    logs = {by_text[key]: float(np.log1p(weight or 0)) for key, weight in weights.items()}
    most = max(logs.values(), default=0)
    return {key: value / most for key, value in logs.items()} if most else {}


def _ranks(products: QuerySet[Any], adapter: CatalogAdapter) -> dict[Any, float]:
    """Return ranks by the host's own order of sales, if the host has such an order."""
    best = adapter.popular(products)
    keys = [] if best is None else list(best.values_list("pk", flat=True))
    return {key: 1 - rank / len(keys) for rank, key in enumerate(keys)}
