"""OpenAPI of the API. The filters depend on settings, so they are asked for when it is made."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from similarity import conf
from similarity.api import refusals, serializers
from similarity.api.parameters import DEFAULT_LIMIT
from similarity.catalog.adapter import get_adapter
from similarity.similar.filters import MAX_PRICE, filter_names
from similarity.similar.hits import MODES
from similarity.similar.scoring import METRICS

TAG = "similarity"

ETAG = OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200], description="Weak.")

FOUND = OpenApiExample(
    "Two similar products",
    value={
        "version": 3,
        "tier": "fused",
        "results": [
            {
                "id": 17,
                "score": 0.91,
                "tier": "fused",
                "title": "Linen shirt, navy",
                "url": "/p/17/linen-shirt-navy/",
                "reasons": [
                    {"name": "text", "share": 0.6, "text": "Similar description"},
                    {"name": "picture", "share": 0.4, "text": "Looks alike"},
                ],
            },
        ],
        "next": "https://shop.example/api/similarity/v1/products/1/similar/?cursor=…",
    },
    response_only=True,
    status_codes=["200"],
)

REFUSED = OpenApiExample(
    "A limit that is no number",
    value={
        "error": {
            "code": "bad_parameter",
            "message": "limit is 'many'; give a whole number from 1 to 100.",
            "parameter": "limit",
        }
    },
    response_only=True,
    status_codes=["400"],
)


class SimilarSchema(AutoSchema):
    """The similar-products endpoint, with the filters the settings give it."""

    def get_operation_id(self) -> str:
        return "similar_products"

    def get_tags(self) -> list[str]:
        return [TAG]

    def get_override_parameters(self) -> list[Any]:
        return [
            OpenApiParameter("key", str, "path", description="Primary key of the product."),
            *_option_parameters(),
            *filter_parameters(),
            OpenApiParameter(
                "If-None-Match", str, "header", description="ETag of the answer already held."
            ),
            ETAG,
        ]

    def get_response_serializers(self) -> Any:
        return {
            **refusals.OF_A_PRODUCT,
            200: serializers.PageSerializer,
            304: OpenApiResponse(description="The answer has not changed."),
        }

    def get_examples(self) -> list[OpenApiExample]:
        return [FOUND, REFUSED]


def _option_parameters() -> list[OpenApiParameter]:
    most = conf.MAX_LIMIT
    whole = {"type": "integer", "minimum": 1, "maximum": most, "default": min(DEFAULT_LIMIT, most)}
    number = {"type": "number", "minimum": 0, "maximum": 1, "default": 0}
    return [
        OpenApiParameter("limit", whole, description="How many products."),
        OpenApiParameter("cursor", str, description="From `next`; of the same query only."),
        OpenApiParameter(
            "weights",
            str,
            description="Weight of each part, instead of the shop's own: "
            f"{', '.join(MODES[1:])}. Only with mode `fused`.",
            examples=[OpenApiExample("Half text, half picture", value="text:0.5,image:0.5")],
        ),
        OpenApiParameter(
            "diversity", number, description="How much the products differ among themselves."
        ),
        OpenApiParameter("metric", str, enum=METRICS, default="cosine"),
        OpenApiParameter("mode", str, enum=MODES, default="fused", description="One part alone."),
        OpenApiParameter("explain", bool, default=False, description="Give the reasons."),
    ]


def filter_parameters() -> list[OpenApiParameter]:
    """What narrows the hits, as the settings have it."""
    adapter = get_adapter()
    amount = {"type": "number", "minimum": 0, "maximum": MAX_PRICE, "exclusiveMaximum": True}
    prices = ["min_price", "max_price"] if adapter.has_price else []
    attributes = [
        OpenApiParameter(
            name, {"type": "array", "items": {"type": "string"}}, description=_describe(name)
        )
        for name in filter_names(adapter)
    ]
    return [
        *(OpenApiParameter(name, amount, description="In the shop's currency.") for name in prices),
        OpenApiParameter("in_stock", bool, description="Only products in stock."),
        *attributes,
    ]


def _describe(name: str) -> str:
    if name == "category":
        return "Category, or the start of its path; those below it count. Repeat for alternatives."
    return f"Value of the attribute {name}; repeat for alternatives."
