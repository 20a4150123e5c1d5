"""Hits as the API writes them: the data of a product card, with score, tier and reasons."""

import math
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any

from django.db.models import Model
from rest_framework.request import Request

from similarity.api.base import is_staff
from similarity.api.fields import KeyField
from similarity.api.serializers import HIT_FIELDS
from similarity.catalog.adapter import get_adapter
from similarity.catalog.card import card_of, read_part
from similarity.similar.hits import Hit

#: Fields that are not read from the card.
_OF_THE_HIT = ("id", "score", "tier", "reasons", "in_stock")


class HitWriter:
    """Writes the products of one answer, with a single database query for their stock.

    ``asked`` is a validated request, whose ``fields`` limits the written fields. Staff get exact
    scores.
    """

    def __init__(self, request: Request, asked: dict[str, Any], products: Sequence[Any]) -> None:
        self.wanted: Collection[str] = ("id", *asked.get("fields", HIT_FIELDS))
        self._explain = asked.get("explain", False)
        self._request = request
        self._products = products
        self._adapter = get_adapter()
        self._key = KeyField()

    @classmethod
    def of(cls, request: Request, asked: dict[str, Any], *hits: Sequence[Hit]) -> "HitWriter":
        return cls(request, asked, [hit.product for some in hits for hit in some])

    def write(self, hits: Sequence[Hit]) -> list[dict[str, Any]]:
        return [self._hit(hit) for hit in hits]

    def write_card(self, product: Any) -> dict[str, Any]:
        """Return the product as :class:`CardSerializer` describes it."""
        data: dict[str, Any] = {"id": self._key.to_representation(product.pk)}
        if set(self.wanted) - set(_OF_THE_HIT):
            card = card_of(self._adapter, product, self._request._request)
            data |= {
                "title": card.title,
                "url": card.url,
                "price": None if card.price is None else f"{card.price:f}",
                "currency": card.currency,
                "image": self._image(product, card.image_url, card.image_alt or card.title),
                "brand": card.brand,
            }
        if "in_stock" in self.wanted:
            data["in_stock"] = self._in_stock is None or product.pk in self._in_stock
        return data

    def _hit(self, hit: Hit) -> dict[str, Any]:
        if hit.product is None:
            raise ValueError(f"hit {hit.key!r} carries no product")
        score = round(hit.score, 6) if self._exact else public_score(hit)
        data = {**self.write_card(hit.product), "score": score, "tier": hit.tier}
        if self._explain:
            data["reasons"] = [
                {"name": r.name, "share": round(r.share, 6), "text": r.text} for r in hit.reasons
            ]
        return {name: data[name] for name in HIT_FIELDS if name in data and name in self.wanted}

    def _image(self, product: Model, url: str, alt: str) -> dict[str, str] | None:
        def absolute() -> str:
            return str(self._request.build_absolute_uri(url))

        return {"url": read_part(product, "photo", absolute, url), "alt": alt} if url else None

    @cached_property
    def _exact(self) -> bool:
        return is_staff(self._request)

    @cached_property
    def _in_stock(self) -> set[Any] | None:
        """Return keys of products in stock; None if all are, or if the host keeps no stock."""
        if self._adapter.sells_only_stock:
            return None
        every = self._adapter.model._default_manager.order_by()
        stocked = self._adapter.in_stock(every)
        if stocked is every:
            return None
        keys = [product.pk for product in self._products]
        return set(stocked.filter(pk__in=keys).values_list("pk", flat=True))


def public_score(hit: Hit) -> float:
    """Return the score in steps too coarse to reveal sales figures."""
    steps = 10 if hit.tier == "copurchase" else 1000
    return math.floor(hit.score * steps + 1e-9) / steps
