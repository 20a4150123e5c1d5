"""OpenAPI of re-ranking."""

from drf_spectacular.utils import OpenApiExample, extend_schema_field
from rest_framework import serializers

from similarity.api import refusals
from similarity.api.serializers import BodySerializer, KeyField

MAX_QUERY = 300
MAX_RESULTS = 500
MAX_BUDGET_MS = 1000

KEY = {"oneOf": [{"type": "integer"}, {"type": "string", "maxLength": 255}]}
SCORED = {
    "type": "object",
    "properties": {"key": KEY, "score": {"type": "number", "nullable": True}},
    "required": ["key"],
    "additionalProperties": False,
}


@extend_schema_field(
    {
        "type": "array",
        "items": {"oneOf": [*KEY["oneOf"], SCORED]},
        "minItems": 1,
        "maxItems": MAX_RESULTS,
    }
)
class ResultsField(serializers.ListField):
    """Keys, or objects of a key and the host's score."""


class RerankRequestSerializer(BodySerializer):
    query = serializers.RegexField(
        r"\S", max_length=MAX_QUERY, help_text="What the shopper typed; not blank."
    )
    results = ResultsField(
        help_text="Keys of products in the order of the host's own search, with its scores where "
        "it has some; a score counts only where every result has one."
    )
    budget_ms = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MAX_BUDGET_MS,
        help_text="The longest it may take; 100 by default.",
    )


class RerankSerializer(serializers.Serializer):
    results = serializers.ListField(
        child=KeyField(), help_text="The keys given, each as often as it was given."
    )
    reranked = serializers.BooleanField(help_text="False where the order is the one given.")
    reason = serializers.ChoiceField(
        choices=[
            "",
            "out_of_time",
            "no_query_vector",
            "empty_query",
            "no_known_products",
            "database_error",
            "error",
        ],
        help_text="Why the order is the one given; empty where it is not.",
    )
    ranker = serializers.CharField(help_text="`blend`, or which learned ranker; empty without.")
    took_ms = serializers.FloatField()


RESPONSES = {**refusals.BY_BODY, 200: RerankSerializer}

EXAMPLES = [
    OpenApiExample(
        "Keys in the host's order",
        value={"query": "navy linen shirt", "results": [17, 42, 5], "budget_ms": 100},
        request_only=True,
    ),
    OpenApiExample(
        "Keys with the host's scores",
        value={
            "query": "navy linen shirt",
            "results": [{"key": 17, "score": 8.1}, {"key": 42, "score": 7.7}],
        },
        request_only=True,
    ),
    OpenApiExample(
        "A better order",
        value={
            "results": [42, 17, 5],
            "reranked": True,
            "reason": "",
            "ranker": "blend",
            "took_ms": 14.2,
        },
        response_only=True,
        status_codes=["200"],
    ),
    OpenApiExample(
        "The order given, for no worker answered",
        value={
            "results": [17, 42, 5],
            "reranked": False,
            "reason": "no_query_vector",
            "ranker": "",
            "took_ms": 97.3,
        },
        response_only=True,
        status_codes=["200"],
    ),
    OpenApiExample(
        "Results that are no list",
        value={
            "error": {
                "code": "bad_parameter",
                "message": "results has 'all'; give a list of 1 to 500 keys, or of objects with "
                "key and score.",
                "parameter": "results",
            }
        },
        response_only=True,
        status_codes=["400"],
    ),
]
