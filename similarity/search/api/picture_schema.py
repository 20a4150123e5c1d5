"""OpenAPI of search by picture."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from similarity import conf
from similarity.api import refusals
from similarity.api.refusals import refusal
from similarity.api.schema import TAG
from similarity.api.serializers import HitSerializer
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.similar.filters import filter_names

DEFAULT_LIMIT = 24
MAX_TEXT = 200


class PictureSearchSerializer(serializers.Serializer):
    version = serializers.IntegerField(
        allow_null=True, help_text="Encoder version that answered; null before there is one."
    )
    results = HitSerializer(
        many=True, help_text="Best first; their tier is image, or image+text where `q` counted."
    )


class PictureSearchSchema(AutoSchema):
    def get_operation_id(self) -> str:
        return "search_by_image"

    def get_tags(self) -> list[str]:
        return [TAG]

    def get_request_serializer(self) -> Any:
        return {"multipart/form-data": _form_schema(get_adapter())}

    def get_response_serializers(self) -> Any:
        return {
            **refusals.ANY,
            200: PictureSearchSerializer,
            400: refusal("No picture, one that cannot be read, or a field that cannot be served."),
            413: refusal("The upload has more than 5 MB."),
            415: refusal("The body is no multipart/form-data."),
            503: refusal(
                "No worker looked at the picture in time, or the database does not answer; "
                "`Retry-After` says when to come back."
            ),
        }

    def get_examples(self) -> list[OpenApiExample]:
        return [FOUND, REFUSED]


def _form_schema(adapter: CatalogAdapter) -> dict[str, Any]:
    most = conf.MAX_LIMIT
    amount = {"type": "number", "minimum": 0, "description": "In the shop's currency."}
    filters = {
        name: {"type": "string", "description": f"Value of the attribute {name}."}
        for name in filter_names(adapter)
    }
    prices = {"min_price": amount, "max_price": amount} if adapter.has_price else {}
    return {
        "type": "object",
        "required": ["image"],
        "properties": {
            "image": {
                "type": "string",
                "format": "binary",
                "description": "JPEG, PNG, WebP, GIF, BMP or AVIF; known by its content.",
            },
            "q": {
                "type": "string",
                "maxLength": MAX_TEXT,
                "description": "Words beside the picture: this, but in navy.",
            },
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": most,
                "default": min(DEFAULT_LIMIT, most),
            },
            **prices,
            "in_stock": {"type": "boolean", "description": "Only products in stock."},
            **filters,
        },
    }


FOUND = OpenApiExample(
    "A picture of a navy shirt",
    value={
        "version": 3,
        "results": [
            {
                "id": 17,
                "score": 0.93,
                "tier": "image",
                "title": "Linen shirt, navy",
                "url": "/p/17/linen-shirt-navy/",
            },
        ],
    },
    response_only=True,
    status_codes=["200"],
)

REFUSED = OpenApiExample(
    "A file that is no picture",
    value={
        "error": {
            "code": "bad_parameter",
            "message": "The file is no picture in a known format; send a JPEG, PNG, WebP, GIF, "
            "BMP or AVIF.",
            "parameter": "image",
        }
    },
    response_only=True,
    status_codes=["400"],
)
