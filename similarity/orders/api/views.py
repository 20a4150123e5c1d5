"""API views of products bought together with a product or a cart, and of bundles."""

from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from similarity.api.base import (
    SimilarityView,
    find_key,
    find_keys,
    is_staff,
    tagged_answer,
    unstored_answer,
    within,
)
from similarity.api.hits import HitWriter
from similarity.api.schema import HIT, answered, asked, document
from similarity.orders.api import serializers
from similarity.orders.bundles.offers import Offer, bundle_offers
from similarity.orders.partner_shelf import bought_together

FOUND = {"tier": "copurchase", "results": [{**HIT, "tier": "copurchase"}]}
BUNDLE = {
    **{"id": "3", "name": "Shirt and trousers", "currency": "EUR"},
    **{"total": "98.00", "price": "89.00", "saving": "9.00"},
    "items": [{name: value for name, value in HIT.items() if name not in ("score", "tier")}],
}
TOGETHER = answered("One companion", FOUND)
OFFERED = answered("One bundle", {"bundles": [BUNDLE]})


class BoughtTogetherView(SimilarityView):
    """Products bought together with a product, limited to products that may be shown now."""

    http_method_names = ["get", "head", "options"]
    in_batch = True

    @document(
        "bought_together",
        serializers.CompanionsSerializer,
        query=serializers.BoughtTogetherQuerySerializer,
        etag=True,
        not_found="There is no such product.",
        examples=[TOGETHER],
    )
    def get(self, request: Request, key: str) -> Any:
        product = find_key(key, request)
        wanted = serializers.BoughtTogetherQuerySerializer.read(request.query_params)
        return tagged_answer(request, _companions(request, product, wanted))


class CartView(SimilarityView):
    """Products that go with a whole cart, limited to products that may be shown now."""

    http_method_names = ["post", "options"]
    in_batch = True

    @document(
        "cart_bought_together",
        serializers.CompanionsSerializer,
        body=serializers.CartRequestSerializer,
        examples=[asked("A cart of two", {"products": [17, 42], "limit": 4}), TOGETHER],
    )
    def post(self, request: Request) -> Response:
        wanted = serializers.CartRequestSerializer.read(request.data)
        cart = _viewable(request, wanted["products"])
        return unstored_answer(_companions(request, cart, wanted))


class BundlesView(SimilarityView):
    """Bundles with a product that can be bought now."""

    http_method_names = ["get", "head", "options"]
    in_batch = True

    @document(
        "bundles",
        serializers.OffersSerializer,
        query=serializers.BundlesQuerySerializer,
        etag=True,
        not_found="There is no such product.",
        examples=[OFFERED],
    )
    def get(self, request: Request, key: str) -> Any:
        product = find_key(key, request)
        limit = serializers.BundlesQuerySerializer.read(request.query_params)["limit"]
        return tagged_answer(request, _bundles(request, product, limit))


class CartBundlesView(SimilarityView):
    """Bundles with a product of the cart that can be bought now."""

    http_method_names = ["post", "options"]
    in_batch = True

    @document(
        "cart_bundles",
        serializers.OffersSerializer,
        body=serializers.CartBundlesRequestSerializer,
        examples=[asked("A cart of two", {"products": [17, 42]}), OFFERED],
    )
    def post(self, request: Request) -> Response:
        wanted = serializers.CartBundlesRequestSerializer.read(request.data)
        cart = _viewable(request, wanted["products"])
        return unstored_answer(_bundles(request, cart, wanted["limit"]))


def _viewable(request: Request, keys: Sequence[Any]) -> list[Any]:
    known = find_keys(keys, request)
    return [key for key in keys if key in known]


def _companions(request: Request, products: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    hits = bought_together(
        products,
        wanted["limit"],
        within=within(request, wanted.get("filters", {})),
        explain=wanted["explain"],
        figures=is_staff(request),
    )
    return {
        "tier": hits[0].tier if hits else None,
        "results": HitWriter.of(request, wanted, hits).write(hits),
    }


def _bundles(request: Request, products: Any, limit: int) -> dict[str, Any]:
    offers = bundle_offers(products, limit, request=request._request)
    writer = HitWriter(request, {}, [product for offer in offers for product in offer.products])
    return {"bundles": [_bundle(offer, writer) for offer in offers]}


def _bundle(offer: Offer, writer: HitWriter) -> dict[str, Any]:
    return {
        "id": offer.key,
        "name": offer.name,
        "items": [writer.write_card(product) for product in offer.products],
        "total": f"{offer.total:f}",
        "price": f"{offer.price:f}",
        "saving": f"{offer.saving:f}",
        "currency": offer.currency,
    }
