"""A product's shelf for a page: which products is cached, whether they may be shown is not.

What is cached is keys, scores and reasons; each shelf loads its products through the
host's live filter, so that one sold out a second ago is not on it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import get_language

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.catalog.card import Card
from similarity.connections import caching
from similarity.models import EncoderVersion, ProductVectors
from similarity.retrieval.hits import Hit, Reason
from similarity.retrieval.query import Query
from similarity.retrieval.session import savepoint
from similarity.retrieval.shelves import similar_to
from similarity.retrieval.within import key_of

#: Reasons with less of a hit's score are not worth a shopper's reading.
SHOWN_SHARE = 0.05


class ShelfItem:
    """A hit, its reasons for people and, once asked for, its card."""

    def __init__(self, hit: Hit, adapter: CatalogAdapter) -> None:
        self.hit = hit
        self.product: Any = hit.product
        self.reasons = [reason for reason in hit.reasons if reason.share >= SHOWN_SHARE]
        self._adapter = adapter

    @cached_property
    def card(self) -> Card:
        return self._adapter.card(self.product)


def cached_similar(
    product: Model | Any,
    limit: int = 8,
    *,
    request: HttpRequest | None = None,
    within: QuerySet[Any] | None = None,
    diversity: float = 0.0,
    explain: bool = False,
) -> list[Hit]:
    """As :func:`similarity.retrieval.shelves.similar_to`, for pages that are seen often.

    ``within`` narrows what may be shown now to ``request``; it is no way around it. A
    shelf computed anew has some products in reserve: when some are sold out, the next
    ones move up, and only when the reserve is used up is the shelf computed again.
    """
    Query(limit, diversity=diversity, explain=explain)  # refuses what cannot be served
    adapter = get_adapter()
    eligible = adapter.for_display(adapter.eligible(request))
    if within is not None:
        eligible = eligible.filter(pk__in=within.values("pk"))
    with savepoint(eligible.db):
        return _cached(product, limit, eligible, diversity=diversity, explain=explain)


def _cached(product: Model | Any, limit: int, eligible: QuerySet[Any], **options: Any) -> list[Hit]:
    key = _cache_key(product, limit, options, eligible)
    stored = caching.read(key)
    if stored is not None:
        hits = _shown_now(stored["hits"], eligible)[:limit]
        if len(hits) == limit or stored["complete"]:
            return hits
    asked = min(limit + max(4, limit // 2), conf.get("MAX_LIMIT"))
    found = similar_to(product, asked, within=eligible, **options)
    caching.write(key, {"hits": [_plain(hit) for hit in found], "complete": len(found) < asked})
    return list(found[:limit])


def shelf_items(hits: Sequence[Hit]) -> list[ShelfItem]:
    """The hits with what the default templates show of each."""
    adapter = get_adapter()
    return [ShelfItem(hit, adapter) for hit in hits]


def _shown_now(stored: Sequence[Mapping[str, Any]], eligible: QuerySet[Any]) -> list[Hit]:
    """The stored hits that may be shown at this moment, each with its product."""
    if not stored:
        return []
    products = eligible.order_by().filter(pk__in=[hit["key"] for hit in stored])
    by_key = {str(product.pk): product for product in products}
    return [
        Hit(
            key=hit["key"],
            score=hit["score"],
            tier=hit["tier"],
            reasons=tuple(Reason(*reason) for reason in hit["reasons"]),
            pinned=hit["pinned"],
            product=by_key[hit["key"]],
        )
        for hit in stored
        if hit["key"] in by_key
    ]


def _plain(hit: Hit) -> dict[str, Any]:
    return {
        "key": hit.key,
        "score": hit.score,
        "tier": hit.tier,
        "reasons": [tuple(reason) for reason in hit.reasons],
        "pinned": hit.pinned,
    }


def _cache_key(
    product: Model | Any, limit: int, options: Mapping[str, Any], eligible: QuerySet[Any]
) -> str:
    """Product, its vectors' version and time, arguments, and the filter of what may be shown.

    The filter is part of it because ``eligible(request)`` may differ between shoppers.
    """
    pk: Any = key_of(product)
    encoded = (
        ProductVectors.objects.filter(version__status=EncoderVersion.Status.LIVE, product=pk)
        .values_list("version", "encoded_at")
        .first()
    )
    try:
        sql: Any = eligible.order_by().query.get_compiler(using=eligible.db).as_sql()
    except EmptyResultSet:
        sql = "nothing"
    language = get_language() if options["explain"] else None  # reasons are sentences
    told = [str(pk), limit, options, language, encoded, sql]
    digest = hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()
    return f"similarity:shelf:{digest}"
