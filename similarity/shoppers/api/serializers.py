"""Serializers of personal recommendations: request and answer."""

from rest_framework import serializers

from similarity.api.fields import KeyField, LimitField, OneOfField, ShareField
from similarity.api.serializers import (
    CardSerializer,
    ExplainedRequest,
    FilteredQuerySerializer,
    HitSerializer,
)
from similarity.shoppers.shelves import SHELVES


class QueryKeyField(KeyField):
    """A key in a query string, where numbers are texts."""

    def require_key(self, data: object) -> None:
        super().require_key(int(data) if isinstance(data, str) and data.isdecimal() else data)


class RecommendationsQuerySerializer(ExplainedRequest, FilteredQuerySerializer):
    shelf = OneOfField(
        SHELVES, default=SHELVES[0], help_text="Which shelf; docs/shoppers.md describes each."
    )
    limit = LimitField(8)
    diversity = ShareField(
        default=0, help_text="How much products differ among themselves. Only for `for_you`."
    )
    product = QueryKeyField(
        required=False,
        help_text="The product of the page, which no shelf repeats. `people_also_viewed` needs it.",
    )


class RecommendationsSerializer(serializers.Serializer):
    shelf = serializers.CharField()
    tier = serializers.CharField(
        allow_null=True,
        help_text="Tier of the first hit. `for_you`: personal, new, similar, category, popular; "
        "null without hits.",
    )
    because = CardSerializer(
        allow_null=True, help_text="The product looked at, of `because_you_viewed`; else null."
    )
    results = HitSerializer(many=True)
