"""``GET products/{pk}/bought-together/`` and ``POST cart/bought-together/``."""

from typing import Any

from django.utils.cache import get_conditional_response, patch_cache_control
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from similarity.api.base import SimilarityView, read_body, read_flag, read_keys, read_limit
from similarity.api.body_filters import read_filters
from similarity.api.bought_together_schema import (
    CART_EXAMPLES,
    CART_RESPONSES,
    DEFAULT_LIMIT,
    BoughtTogetherSchema,
    CartRequestSerializer,
)
from similarity.api.filters import narrow
from similarity.api.parameters import Parameters
from similarity.api.schema import TAG
from similarity.api.serializers import hit_data
from similarity.api.views import etag, find_key
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.retrieval.bought_together import MAX_CART, bought_together
from similarity.retrieval.hits import Hit

FIELDS = ("products", "limit", "explain", "filters")


class BoughtTogetherView(SimilarityView):
    """Products bought together with one product, of those that may be shown now."""

    schema = BoughtTogetherSchema()
    http_method_names = ["get", "head", "options"]

    def get(self, request: Request, key: str) -> Any:
        adapter = get_adapter()
        product = find_key(adapter, key)
        asked = Parameters.parse(request.query_params, adapter, ("limit", "explain"))
        limit = asked.limit if "limit" in request.query_params else DEFAULT_LIMIT
        explain = asked.options.get("explain", False)
        eligible = adapter.for_display(adapter.eligible(request._request))
        within = narrow(adapter, eligible, asked.filters)
        data = _data(
            bought_together(product, limit, within=within, explain=explain), adapter, explain
        )
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
        within = narrow(adapter, eligible, read_filters(body, adapter))
        hits = bought_together(_storable(cart), limit, within=within, explain=explain)
        return Response(_data(hits, adapter, explain), headers={"Cache-Control": "no-store"})


def _storable(keys: list[Any]) -> list[Any]:
    """Without numbers that no column can hold; no product has them."""
    return [key for key in keys if not isinstance(key, int) or abs(key) < 2**63]


def _data(hits: list[Hit], adapter: CatalogAdapter, explain: bool) -> dict[str, Any]:
    return {
        "tier": hits[0].tier if hits else None,
        "results": [hit_data(hit, adapter, explain=explain) for hit in hits],
    }
