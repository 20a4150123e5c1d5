"""Cached shelves for pages, and the signed arguments by which a page fetches a shelf later.

The cache holds keys, scores and reasons. Each request loads the products through the host's live
filter, so a product that has just been sold out is not on the shelf.
"""

import hashlib
import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
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

DEFAULT_TEMPLATE = "similarity/similar_products.html"
SIGNER = signing.Signer(salt="similarity.fragment")
#: An address is valid until the end of the period that follows its own.
PERIOD_S = 30 * 24 * 3600

#: Reasons with a smaller share of a hit's score are not shown to shoppers.
SHOWN_SHARE = 0.05

#: Attribute of a product loaded for a cached shelf: the value the shelf must be made from.
MADE_FROM = "_similarity_made_from"


class ShelfItem:
    """A hit, its reasons for readers and, when first used, its card."""

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


@dataclass(frozen=True)
class ShelfArguments:
    """The arguments of ``{% similar_products %}`` that can be part of an address."""

    product: str
    limit: int
    title: str
    diversity: float
    explain: bool
    template: str
    #: The page's language, because the shelf's address has none.
    language: str = ""

    @property
    def shelf_id(self) -> str:
        """An element id, equal at each request, so that a page and its ETag do not change."""
        told = json.dumps(asdict(self), sort_keys=True).encode()
        return f"similarity-{hashlib.blake2s(told, digest_size=6).hexdigest()}"

    def signed(self) -> str:
        return SIGNER.sign_object({**asdict(self), "period": _period()}, compress=True)

    @classmethod
    def from_signed(cls, text: str) -> Self:
        """Return the arguments of a text by :meth:`signed`.

        Raises :class:`django.core.signing.BadSignature` for another text or an expired address.
        """
        told: dict[str, Any] = SIGNER.unsign_object(text)
        made = told.pop("period", None)
        if not isinstance(made, int) or not _period() - 1 <= made <= _period():
            raise signing.SignatureExpired("the shelf's address has expired")
        try:
            return cls(**told)
        except TypeError as error:  # signed by another release, with other arguments
            raise signing.BadSignature(f"{sorted(told)} are not a shelf's arguments") from error


def cached_similar(
    product: Model | Any,
    limit: int = 8,
    *,
    request: HttpRequest | None = None,
    within: QuerySet[Any] | None = None,
    diversity: float = 0.0,
    explain: bool = False,
    exclude: Collection[str] = (),
) -> list[Hit]:
    """Return the hits of :func:`similarity.similar.shelves.similar_to`, from the cache if possible.

    ``within`` narrows the products that may be shown now to ``request``; it cannot widen them. A
    new shelf has some products in reserve. If some are sold out, or shown elsewhere on the page
    (``exclude``: keys as texts), the next products move up; the shelf is computed again only if
    too many are sold out.
    """
    Query(limit, diversity=diversity, explain=explain)  # raises for invalid arguments
    eligible = shown_to(request, within)
    options: dict[str, Any] = {"diversity": diversity, "explain": explain}
    with metrics.timed("shelf_seconds", shelf="similar"), savepoint(eligible.db):
        return cached_hits(
            [str(key_of(product)), limit, options, language_of(explain)],
            limit,
            eligible,
            lambda asked: similar_to(product, asked, within=eligible, **options),
            made_from=_live_row(product),
            exclude=exclude,
        )


def read_cached_similar(
    product: Model | Any, limit: int, eligible: QuerySet[Any]
) -> list[Hit] | None:
    """Return what :func:`cached_similar` keeps of the product, its reserve included.

    Only products of ``eligible`` that may be shown now. None if no page has made that shelf
    lately; nothing is computed and nothing is written.
    """
    options = {"diversity": 0.0, "explain": False}
    told = [str(key_of(product)), limit, options, language_of(False)]
    with savepoint(eligible.db):
        stored = caching.read(_cache_key(told, eligible))
        return None if stored is None else _shown_now(stored, eligible, _live_row(product))


def shown_to(request: HttpRequest | None, within: QuerySet[Any] | None) -> QuerySet[Any]:
    """Return the products that may be shown now, within ``within``, with the fields of cards."""
    adapter = get_adapter()
    eligible = adapter.for_display(adapter.eligible(request))
    return eligible if within is None else eligible.filter(pk__in=within.values("pk"))


def cached_hits(
    told: Sequence[Any],
    limit: int,
    eligible: QuerySet[Any],
    find: Callable[[int], Sequence[Hit]],
    made_from: QuerySet[Any] | None = None,
    exclude: Collection[str] = (),
) -> list[Hit]:
    """Return at most ``limit`` hits that may be shown now, from a recent ``find(how many)``.

    ``told`` holds everything the hits depend on except the filter. The filter is part of the
    cache's key too, because ``eligible(request)`` may differ between shoppers. ``made_from``
    selects a value that changes when the hits must be found again. It is read with the products,
    so a cached shelf needs one query and those of its cards. ``exclude``: keys that this page
    leaves out; the cached shelf keeps them for other pages.
    """
    key = _cache_key(told, eligible)
    stored = caching.read(key)
    if stored is not None:
        hits = _shown_now(stored, eligible, made_from)
        if hits is not None and (len(hits) >= limit or stored["complete"]):
            return _without(hits, exclude)[:limit]
    asked = min(limit + max(4, limit // 2), conf.MAX_LIMIT)
    now = _now(made_from, eligible)
    found = find(asked)
    # If it changed meanwhile, for example by a promotion, the hits may be of either state.
    if now == _now(made_from, eligible):
        shelf = {"hits": [_plain(hit) for hit in found], "complete": len(found) < asked}
        caching.write(key, {**shelf, "made_from": now})
    return _without(found, exclude)[:limit]


def _without(hits: Sequence[Hit], exclude: Collection[str]) -> list[Hit]:
    return [hit for hit in hits if hit.key not in exclude]


def language_of(explain: bool) -> str | None:
    """Return the language of the reasons' sentences; None without reasons, for all languages."""
    return get_language() if explain else None


def shelf_items(hits: Sequence[Hit], request: HttpRequest | None = None) -> list[ShelfItem]:
    """Return the hits with the fields that the default templates show to ``request``."""
    adapter = get_adapter()
    return [ShelfItem(hit, adapter, request) for hit in hits]


def _shown_now(
    shelf: Mapping[str, Any], eligible: QuerySet[Any], made_from: QuerySet[Any] | None
) -> list[Hit] | None:
    """Return the stored hits that may be shown now, each with its product.

    None if the shelf would now be made from another value.
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
    """Return the version and time of the product's live vectors, which decide its shelf."""
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
    """Return a time rounded to some minutes, because ``eligible`` may compare with now.

    The hits are in any case filtered by ``eligible`` itself.
    """
    if not isinstance(param, datetime):
        return param
    return ["at", int(param.timestamp() // max(conf.get("CACHE", "TIMEOUT_S"), 1))]


def _period() -> int:
    return int(time.time() // PERIOD_S)
