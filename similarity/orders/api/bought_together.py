"""``GET products/{pk}/bought-together/`` and ``POST cart/bought-together/``."""

from collections.abc import Mapping
from typing import Any

from django.utils.cache import get_conditional_response, patch_cache_control
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from similarity.api.base import SimilarityView, read_body, read_flag, read_keys, read_limit
from similarity.api.body_filters import read_filters
from similarity.api.health import is_staff
from similarity.api.parameters import Parameters
from similarity.api.schema import TAG
from similarity.api.serializers import hit_data
from similarity.api.views import etag, find_key, find_keys
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.orders.api.bought_together_schema import (
    CART_EXAMPLES,
    CART_RESPONSES,
    DEFAULT_LIMIT,
    BoughtTogetherSchema,
    CartRequestSerializer,
)
from similarity.orders.together import MAX_CART, bought_together
from similarity.similar.filters import filter_products
from similarity.similar.hits import Hit

FIELDS = ("products", "limit", "explain", "filters")


class BoughtTogetherView(SimilarityView):
    """Products bought together with one product, of those that may be shown now."""

    schema = BoughtTogetherSchema()
    http_method_names = ["get", "head", "options"]

    def get(self, request: Request, key: str) -> Any:
        adapter = get_adapter()
        product = find_key(adapter, key, request)
        asked = Parameters.parse(request.query_params, adapter, ("limit", "explain"))
        limit = asked.limit if "limit" in request.query_params else DEFAULT_LIMIT
        explain = asked.options.get("explain", False)
        eligible = adapter.for_display(adapter.eligible(request._request))
        within = filter_products(eligible, asked.filters, adapter)
        asked_by: dict[str, Any] = {"explain": explain, "figures": is_staff(request)}
        data = _data(bought_together(product, limit, within=within, **asked_by), adapter, asked_by)
        response = Response(data, headers={"ETag": etag(data)})
        patch_cache_control(response, private=True, no_cache=True)
        return get_conditional_response(request._request, etag=response["ETag"], response=response)


class CartView(SimilarityView):
    """Products that go with a whole cart, of those that may be shown now."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="cart_bought_together",
        tags=[TAG],
        request=CartRequestSerializer,
        responses=CART_RESPONSES,
        examples=CART_EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        adapter = get_adapter()
        body = read_body(request, FIELDS)
        cart = read_keys(body, "products", most=MAX_CART)
        limit, explain = read_limit(body, DEFAULT_LIMIT), read_flag(body, "explain")
        eligible = adapter.for_display(adapter.eligible(request._request))
        within = filter_products(eligible, read_filters(body, adapter), adapter)
        asked_by: dict[str, Any] = {"explain": explain, "figures": is_staff(request)}
        known = find_keys(adapter, cart, request)
        cart = [key for key in cart if key in known]
        hits = bought_together(cart, limit, within=within, **asked_by)
        return Response(_data(hits, adapter, asked_by), headers={"Cache-Control": "no-store"})


def _data(hits: list[Hit], adapter: CatalogAdapter, asked_by: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "tier": hits[0].tier if hits else None,
        "results": [hit_data(hit, adapter, **asked_by) for hit in hits],
    }
