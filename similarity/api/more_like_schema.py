"""OpenAPI of more-like-these."""

from drf_spectacular.utils import OpenApiExample, extend_schema_field
from rest_framework import serializers

from similarity.api import refusals
from similarity.api.serializers import BodySerializer, HitSerializer, KeyField
from similarity.similar.more_like import MAX_GIVEN

KEY = {"oneOf": [{"type": "integer"}, {"type": "string", "maxLength": 255}]}
VALUE = {"oneOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}


@extend_schema_field({"type": "array", "items": KEY, "minItems": 1, "maxItems": MAX_GIVEN})
class LikedField(serializers.ListField):
    """Keys, one at least."""


@extend_schema_field({"type": "array", "items": KEY, "maxItems": MAX_GIVEN})
class DislikedField(serializers.ListField):
    """Keys."""


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {
            "oneOf": [*VALUE["oneOf"], {"type": "array", "items": VALUE, "minItems": 1}]
        },
    }
)
class FiltersField(serializers.DictField):
    """Name → value, or a list of alternatives."""


class MoreLikeRequestSerializer(BodySerializer):
    liked = LikedField(help_text="Keys of products; those that do not exist are left out.")
    disliked = DislikedField(required=False, help_text="None of them may be in `liked`.")
    limit = serializers.IntegerField(required=False, min_value=1, help_text="8 by default.")
    explain = serializers.BooleanField(required=False, help_text="Give the reasons.")
    filters = FiltersField(
        required=False,
        help_text="The filters of similar products: attributes by name, `min_price`, "
        "`max_price`, `in_stock`.",
    )


class MoreLikeSerializer(serializers.Serializer):
    version = serializers.IntegerField(
        allow_null=True, help_text="Encoder version that answered; null before there is one."
    )
    tier = serializers.CharField(
        allow_null=True,
        help_text="Tier of the first hit: fused by vectors, then category and department; popular, "
        "newest and catalogue only where SIMILARITY['SHELVES']['FILL'] is on; null without hits.",
    )
    results = HitSerializer(many=True)
    unknown = serializers.ListField(
        child=KeyField(), help_text="Keys of the request that no product has."
    )


RESPONSES = {
    **refusals.BY_BODY,
    200: MoreLikeSerializer,
    404: refusals.refusal(
        "No product of `liked` exists, or there is no renderer of that `format`."
    ),
}

EXAMPLES = [
    OpenApiExample(
        "Two liked, one disliked",
        value={
            "liked": [17, 42],
            "disliked": [5],
            "limit": 8,
            "explain": True,
            "filters": {"brand": ["Northfield", "Alder"], "max_price": 50},
        },
        request_only=True,
    ),
    OpenApiExample(
        "One product found",
        value={
            "version": 3,
            "tier": "fused",
            "results": [
                {
                    "id": 23,
                    "score": 0.88,
                    "tier": "fused",
                    "title": "Linen shirt, sand",
                    "url": "/p/23/linen-shirt-sand/",
                    "reasons": [{"name": "text", "share": 1.0, "text": "Similar description"}],
                }
            ],
            "unknown": [],
        },
        response_only=True,
        status_codes=["200"],
    ),
    OpenApiExample(
        "Nothing liked",
        value={
            "error": {
                "code": "bad_parameter",
                "message": "liked is empty; name one product at least.",
                "parameter": "liked",
            }
        },
        response_only=True,
        status_codes=["400"],
    ),
]
