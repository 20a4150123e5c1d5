"""Learn from orders which categories go together; products without orders use them.

The same engine counts categories and products: a basket holds each category once.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.orders.counting import scores
from similarity.orders.counting.engine import CountingRule, OrderCounts
from similarity.orders.counting.local import LocalEngine
from similarity.orders.counting.reading import Items, Orders, columns
from similarity.orders.models import CategoryComplement

#: Complements kept per category.
MOST = 10
#: Below this lift, two categories meet about as often as by chance.
LEAST_LIFT = 1.2
#: Below this log-likelihood ratio, chance gives the same at least once in a hundred times.
LEAST_SURE = 6.63
#: Products whose categories are read at once.
READ_AT_ONCE = 5000


class Complement(NamedTuple):
    """A category that goes with another category; ``score`` is 0 to 1."""

    name: str
    lift: float
    score: float


def learn(orders: Orders, rule: CountingRule, alias: str) -> int:
    """Replace the stored complements by those from ``orders``; return the number of pairs.

    Runs within the caller's transaction. Drop pairs with fewer than ``ORDERS["MIN_SHOPPERS"]``
    shoppers. Learn no complements if the catalogue has no categories.
    """
    CategoryComplement.objects.using(alias).delete()
    names, of_product = _categories(list(orders.number), get_adapter())
    if not names:
        return 0
    counts = LocalEngine().count(columns(orders, Items(of_product, names)), rule)
    rows = [row for block in counts.pairs() for row in _complements(block, counts, names)]
    CategoryComplement.objects.using(alias).bulk_create(rows, batch_size=2000)
    return len(rows)


def complements_of(categories: Sequence[str], using: str) -> list[Complement]:
    """Return complements of ``categories``, without those categories, best first; one query."""
    rows = (
        CategoryComplement.objects.using(using)
        .filter(category__in=list(categories))
        .exclude(complement__in=list(categories))
        .order_by("-score", "complement")
    )
    found: dict[str, Complement] = {}
    for row in rows:
        found.setdefault(row.complement, Complement(row.complement, row.lift, row.score))
    return list(found.values())


def _categories(
    keys: Sequence[Any], adapter: CatalogAdapter
) -> tuple[list[str], "np.ndarray[Any, np.dtype[np.int32]]"]:
    """Return the category names and each product's category number, -1 without a category.

    If a product has several categories, use the first.
    """
    number: dict[str, int] = {}
    of_product = np.full(len(keys), -1, np.int32)
    at = {key: position for position, key in enumerate(keys)}
    for start in range(0, len(keys), READ_AT_ONCE):
        some = keys[start : start + READ_AT_ONCE]
        products = adapter.model._base_manager.using(adapter.write_alias).filter(pk__in=some)
        for key, [name, *_others] in sorted(adapter.values_of("category", products).items()):
            of_product[at[key]] = number.setdefault(name[:500], len(number))
    return list(number), of_product


def _complements(block: Any, counts: OrderCounts, names: Sequence[str]) -> list[CategoryComplement]:
    weight, total = counts.items.weight, counts.total_weight
    best = scores.rank(
        block, counts.items, total, most=MOST, min_shoppers=conf.get("ORDERS", "MIN_SHOPPERS")
    )
    first, second, pair = block.first[best], block.second[best], block.weight[best]
    lift = scores.lift(pair, weight[first], weight[second], total)
    score = scores.blend(pair, weight[first], weight[second], total)
    sure = scores.log_likelihood_ratio(pair, weight[first], weight[second], total)
    return [
        CategoryComplement(
            category=names[first[at]],
            complement=names[second[at]],
            orders=int(block.orders[best[at]]),
            shoppers=int(block.shoppers[best[at]]),
            lift=float(lift[at]),
            score=float(score[at]),
        )
        for at in range(len(best))
        if lift[at] >= LEAST_LIFT and sure[at] >= LEAST_SURE
    ]
