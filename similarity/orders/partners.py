"""Read the partners of items for pages: one query, then arithmetic on a few numbers."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from django.db import connections

from similarity import conf
from similarity.orders.counting import scores


class Partner(NamedTuple):
    """An item bought together with another item, and the measures of the pair.

    ``products`` are keys as text, by falling number of orders. ``orders`` and ``shoppers`` bought
    both. ``support`` and ``confidence`` are shares (0–1). ``lift`` is how many times more often
    than by chance, ``log_likelihood_ratio`` how certain that is. Partners are ranked by ``score``
    (0–1).
    """

    item: str
    products: tuple[str, ...]
    orders: int
    shoppers: int
    support: float
    confidence: float
    lift: float
    log_likelihood_ratio: float
    score: float


def partners_of(items: Sequence[str], using: str = "default") -> dict[str, list[Partner]]:
    """Return partners by item, best first, at most ``scores.MAX_PARTNERS`` per item.

    ``items`` are names from :func:`similarity.models.vectors.group_name`; items without orders are
    left out. Pairs with fewer than ``ORDERS["MIN_SHOPPERS"]`` shoppers are never returned. The
    figures are from the last full count. One query.
    """
    if not items:
        return {}
    with connections[using].cursor() as cursor:
        cursor.execute(_QUERY, [list(items), conf.get("ORDERS", "MIN_SHOPPERS")])
        rows = cursor.fetchall()
    most = scores.MAX_PARTNERS
    return {name: _ranked(list(found))[:most] for name, found in groupby(rows, key=itemgetter(0))}


_QUERY = """
    SELECT item.name, partner.name, partner.products, pair.weight, pair.orders, pair.shoppers,
           item.shown_weight, partner.shown_weight, run.shown_weight
    FROM similarity_counteditem AS item
    JOIN similarity_productpartners AS stored ON stored.number = item.number
    CROSS JOIN similarity_countrun AS run
    CROSS JOIN LATERAL unnest(stored.partners, stored.weights, stored.orders, stored.shoppers)
        AS pair(number, weight, orders, shoppers)
    JOIN similarity_counteditem AS partner ON partner.number = pair.number
    WHERE item.name = ANY(%s::text[]) AND pair.shoppers >= %s
    ORDER BY item.name
"""


def _ranked(rows: Sequence[Any]) -> list[Partner]:
    """Return the rows of one item as partners, best first."""
    pair, first, second, total = (
        np.array([row[at] for row in rows], np.int64) for at in (3, 6, 7, 8)
    )
    figures = zip(
        scores.support(pair, total).tolist(),
        scores.confidence(pair, first).tolist(),
        scores.lift(pair, first, second, total).tolist(),
        scores.log_likelihood_ratio(pair, first, second, total).tolist(),
        scores.blend(pair, first, second, total).tolist(),
        strict=True,
    )
    partners = [
        Partner(name, tuple(products), orders, shoppers, *measured)
        for (_item, name, products, _weight, orders, shoppers, *_totals), measured in zip(
            rows, figures, strict=True
        )
    ]
    return sorted(partners, key=lambda partner: -partner.score)
