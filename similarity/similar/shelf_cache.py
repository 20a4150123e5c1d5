"""A product's shelf for a page: which products is cached, whether they may be shown is not.

What is cached is keys, scores and reasons; each shelf loads its products through the
host's live filter, so that one sold out a second ago is not on it.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Self

from django.core import signing
from django.core.exceptions import EmptyResultSet
from django.db.models import Model, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.http import HttpRequest
from django.utils.translation import get_language

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.catalog.card import Card, card_of
from similarity.connections import caching, metrics
from similarity.models import EncoderVersion, ProductVectors
from similarity.similar.hits import Hit, Query, Reason
from similarity.similar.planner_settings import savepoint
from similarity.similar.shelves import similar_to
from similarity.similar.within import key_of

#: Reasons with less of a hit's score are not worth a shopper's reading.
SHOWN_SHARE = 0.05

#: Where a product that is loaded for a cached shelf tells what the shelf must be made from.
MADE_FROM = "_similarity_made_from"


class ShelfItem:
    """A hit, its reasons for people and, once asked for, its card."""

    def __init__(
        self, hit: Hit, adapter: CatalogAdapter, request: HttpRequest | None = None
    ) -> None:
        self.hit = hit
        self.product: Any = hit.product
        self.reasons = [reason for reason in hit.reasons if reason.share >= SHOWN_SHARE]
        self._adapter, self._request = adapter, request

    @cached_property
    def card(self) -> Card:
        return card_of(self._adapter, self.product, self._request)


def cached_similar(
    product: Model | Any,
    limit: int = 8,
    *,
    request: HttpRequest | None = None,
    within: QuerySet[Any] | None = None,
    diversity: float = 0.0,
    explain: bool = False,
) -> list[Hit]:
    """As :func:`similarity.similar.shelves.similar_to`, for pages that are seen often.

    ``within`` narrows what may be shown now to ``request``; it is no way around it. A
    shelf computed anew has some products in reserve: when some are sold out, the next
    ones move up, and only when the reserve is used up is the shelf computed again.
    """
    Query(limit, diversity=diversity, explain=explain)  # refuses what cannot be served
    eligible = shown_to(request, within)
    options: dict[str, Any] = {"diversity": diversity, "explain": explain}
    with metrics.timed("shelf_seconds", shelf="similar"), savepoint(eligible.db):
        return cached_hits(
            [str(key_of(product)), limit, options, language_of(explain)],
            limit,
            eligible,
            lambda asked: similar_to(product, asked, within=eligible, **options),
            made_from=_live_row(product),
        )


def shown_to(request: HttpRequest | None, within: QuerySet[Any] | None) -> QuerySet[Any]:
    """What may be shown now, narrowed to ``within``, with what a card reads."""
    adapter = get_adapter()
    eligible = adapter.for_display(adapter.eligible(request))
    return eligible if within is None else eligible.filter(pk__in=within.values("pk"))


def cached_hits(
    told: Sequence[Any],
    limit: int,
    eligible: QuerySet[Any],
    find: Callable[[int], Sequence[Hit]],
    made_from: QuerySet[Any] | None = None,
) -> list[Hit]:
    """At most ``limit`` hits that may be shown now, of those ``find(how many)`` gave lately.

    ``told`` is what the hits depend on beside the filter, which is part of the cache's key
    because ``eligible(request)`` may differ between shoppers. ``made_from`` selects one value
    that is another one when the hits are to be found anew; it is read with the products, so
    that a cached shelf is one query and what its cards need.
    """
    key = _cache_key(told, eligible)
    stored = caching.read(key)
    if stored is not None:
        hits = _shown_now(stored, eligible, made_from)
        if hits is not None and (len(hits) >= limit or stored["complete"]):
            return hits[:limit]
    asked = min(limit + max(4, limit // 2), conf.MAX_LIMIT)
    now = _now(made_from, eligible)
    found = find(asked)
    # Where it changed meanwhile, as by a promotion, the hits may be of either state.
    if now == _now(made_from, eligible):
        shelf = {"hits": [_plain(hit) for hit in found], "complete": len(found) < asked}
        caching.write(key, {**shelf, "made_from": now})
    return list(found[:limit])


def language_of(explain: bool) -> str | None:
    """The language that reasons are sentences of; one shelf serves all without reasons."""
    return get_language() if explain else None


def shelf_items(hits: Sequence[Hit], request: HttpRequest | None = None) -> list[ShelfItem]:
    """The hits with what the default templates show of each to ``request``."""
    adapter = get_adapter()
    return [ShelfItem(hit, adapter, request) for hit in hits]


def _shown_now(
    shelf: Mapping[str, Any], eligible: QuerySet[Any], made_from: QuerySet[Any] | None
) -> list[Hit] | None:
    """The stored hits that may be shown at this moment, each with its product.

    None where the shelf was made from something else than it would be now.
    """
    stored: Sequence[Mapping[str, Any]] = shelf["hits"]
    products = eligible.order_by().filter(pk__in=[hit["key"] for hit in stored])
    if made_from is not None:
        products = products.annotate(**{MADE_FROM: Subquery(made_from)})
    by_key = {str(product.pk): product for product in products} if stored else {}
    if made_from is not None:
        some = next(iter(by_key.values()), None)
        now = getattr(some, MADE_FROM) if some else _now(made_from, eligible)
        if now != shelf["made_from"]:
            return None
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


def _live_row(product: Model | Any) -> QuerySet[Any]:
    """The live version of the product's vectors and their time, for a new shelf with new ones."""
    rows = ProductVectors.objects.filter(
        version__status=EncoderVersion.Status.LIVE, product=key_of(product)
    )
    return rows.values_list(JSONObject(version="version", at="encoded_at"), flat=True)


def _now(made_from: QuerySet[Any] | None, eligible: QuerySet[Any]) -> Any:
    return made_from.using(eligible.db).first() if made_from is not None else None


def _cache_key(told: Sequence[Any], eligible: QuerySet[Any]) -> str:
    try:
        sql: Any = eligible.order_by().query.get_compiler(using=eligible.db).as_sql()
    except EmptyResultSet:
        sql = "nothing"
    else:
        sql = (sql[0], [_steady(param) for param in sql[1]])
    return caching.key("shelf", *told, sql)


def _steady(param: Any) -> Any:
    """The same for some minutes where it is a time: ``eligible`` may compare with now.

    Whatever the hits were found by, they are filtered by ``eligible`` as it is.
    """
    if not isinstance(param, datetime):
        return param
    return ["at", int(param.timestamp() // max(conf.get("CACHE", "TIMEOUT_S"), 1))]


DEFAULT_TEMPLATE = "similarity/similar_products.html"

SIGNER = signing.Signer(salt="similarity.fragment")

#: An address works until the end of the period after the one it was made in.
PERIOD_S = 30 * 24 * 3600


@dataclass(frozen=True)
class ShelfArguments:
    """The arguments of ``{% similar_products %}`` that can travel."""

    product: str
    limit: int
    title: str
    diversity: float
    explain: bool
    template: str
    #: Of the page, because the address of the shelf names none.
    language: str = ""

    @property
    def shelf_id(self) -> str:
        """An element id, the same at each request, so that a page and its ETag stay as they are."""
        told = json.dumps(asdict(self), sort_keys=True).encode()
        return f"similarity-{hashlib.blake2s(told, digest_size=6).hexdigest()}"

    def signed(self) -> str:
        return SIGNER.sign_object({**asdict(self), "period": _period()}, compress=True)

    @classmethod
    def from_signed(cls, text: str) -> Self:
        """Raises :class:`django.core.signing.BadSignature` for what :meth:`signed` did not give,
        or gave too long ago."""
        told: dict[str, Any] = SIGNER.unsign_object(text)
        made = told.pop("period", None)
        if not isinstance(made, int) or not _period() - 1 <= made <= _period():
            raise signing.SignatureExpired("the shelf's address is too old")
        try:
            return cls(**told)
        except TypeError as error:  # signed by another release, with other arguments
            raise signing.BadSignature(f"{sorted(told)} are not a shelf's arguments") from error


def _period() -> int:
    return int(time.time() // PERIOD_S)
