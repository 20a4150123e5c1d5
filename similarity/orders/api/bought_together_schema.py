"""OpenAPI of bought-together, by product and by cart."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema_field,
)
from rest_framework import serializers

from similarity import conf
from similarity.api import refusals
from similarity.api.more_like_schema import KEY, FiltersField
from similarity.api.schema import ETAG, TAG, filter_parameters
from similarity.api.serializers import BodySerializer, HitSerializer
from similarity.orders.together import MAX_CART

DEFAULT_LIMIT = 4


class CompanionsSerializer(serializers.Serializer):
    tier = serializers.CharField(
        allow_null=True,
        help_text="Tier of the first hit: copurchase by orders, complement by the categories that "
        "go together in orders; null without hits.",
    )
    results = HitSerializer(many=True, help_text="Fewer than asked for where orders say no more.")


@extend_schema_field({"type": "array", "items": KEY, "minItems": 1, "maxItems": MAX_CART})
class CartField(serializers.ListField):
    """Keys, one at least."""


class CartRequestSerializer(BodySerializer):
    products = CartField(help_text="Keys of the products in the cart.")
    limit = serializers.IntegerField(
        required=False, min_value=1, help_text=f"{DEFAULT_LIMIT} by default."
    )
    explain = serializers.BooleanField(required=False, help_text="Give the reasons.")
    filters = FiltersField(required=False, help_text="The filters of similar products.")


CART_RESPONSES = {**refusals.BY_BODY, 200: CompanionsSerializer}

_FOUND = OpenApiExample(
    "One companion",
    value={
        "tier": "copurchase",
        "results": [
            {
                "id": 23,
                "score": 0.8,
                "tier": "copurchase",
                "title": "Stoneware teapot, sage",
                "url": "/p/23/stoneware-teapot-sage/",
                "reasons": [
                    {
                        "name": "copurchase",
                        "share": 1.0,
                        "text": "very often bought together",
                    }
                ],
            }
        ],
    },
    response_only=True,
    status_codes=["200"],
)
CART_EXAMPLES = [
    OpenApiExample(
        "A cart of two",
        value={"products": [17, 42], "limit": 4, "explain": True},
        request_only=True,
    ),
    _FOUND,
]


class BoughtTogetherSchema(AutoSchema):
    """Bought together with one product, with the filters the settings give it."""

    def get_operation_id(self) -> str:
        return "bought_together"

    def get_tags(self) -> list[str]:
        return [TAG]

    def get_override_parameters(self) -> list[Any]:
        most = conf.MAX_LIMIT
        whole = {
            "type": "integer",
            "minimum": 1,
            "maximum": most,
            "default": min(DEFAULT_LIMIT, most),
        }
        return [
            OpenApiParameter("key", str, "path", description="Primary key of the product."),
            OpenApiParameter("limit", whole, description="How many products."),
            OpenApiParameter("explain", bool, default=False, description="Give the reasons."),
            *filter_parameters(),
            OpenApiParameter(
                "If-None-Match", str, "header", description="ETag of the answer already held."
            ),
            ETAG,
        ]

    def get_response_serializers(self) -> Any:
        return {
            **refusals.OF_A_PRODUCT,
            200: CompanionsSerializer,
            304: OpenApiResponse(description="The answer has not changed."),
        }

    def get_examples(self) -> list[OpenApiExample]:
        return [_FOUND]
