"""OpenAPI of search and of suggestions."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework import serializers

from similarity import conf
from similarity.api import refusals
from similarity.api.schema import TAG, filter_parameters
from similarity.api.serializers import HitSerializer
from similarity.catalog.adapter import get_adapter
from similarity.search.api.search_parameters import DEFAULT_LIMIT, DEFAULT_SUGGESTIONS
from similarity.search.page import Outcome
from similarity.search.sorting import SORTS
from similarity.search.words import MAX_LENGTH


class FacetValueSerializer(serializers.Serializer):
    value = serializers.CharField(help_text="To be sent back as the filter's value.")
    count = serializers.IntegerField()


class FacetSerializer(serializers.Serializer):
    name = serializers.CharField()
    values = FacetValueSerializer(many=True)


class PriceBucketSerializer(serializers.Serializer):
    low = serializers.DecimalField(max_digits=15, decimal_places=2)
    high = serializers.DecimalField(max_digits=15, decimal_places=2)
    count = serializers.IntegerField()


class QueryPriceSerializer(serializers.Serializer):
    low = serializers.DecimalField(max_digits=15, decimal_places=2, allow_null=True)
    high = serializers.DecimalField(max_digits=15, decimal_places=2, allow_null=True)
    without = serializers.CharField(help_text="The query without the price, to search for next.")


class SearchPageSerializer(serializers.Serializer):
    total = serializers.IntegerField(
        help_text="Products that match, 1000 at most: the pages hold them all, in any order of "
        "`sort`. 0 where none does."
    )
    total_is_exact = serializers.BooleanField(help_text="False means that there are more.")
    outcome = serializers.ChoiceField(
        choices=[one.value for one in Outcome],
        help_text="found: `results` match. related: nothing matches, `related` is alike in "
        "meaning. priced_out: what matches has another price than the query names, and stands "
        "in `related`. filtered_out: what matches does not pass the filters, and stands in "
        "`related`. out_of_time: the time was up before the products were looked through; ask "
        "again. nothing: nothing matches and nothing is near; `results` are best sellers.",
    )
    results = HitSerializer(
        many=True,
        help_text="Their tier is code, near_code (a code one slip away), words (every word) or "
        "some_words (at least half of the query); popular, newest and catalogue are no answer to "
        "the query.",
    )
    related = HitSerializer(
        many=True,
        help_text="What is near and no match, best first, `limit` at most, on the last page; in "
        "neither `total` nor `facets`. Their tier is some_words, text or image (alike in "
        "meaning, by text or by photo), or where price or filters kept them out the tier of a "
        "match.",
    )
    facets = FacetSerializer(many=True)
    prices = PriceBucketSerializer(many=True, help_text="With the facet `price`.")
    facets_are_exact = serializers.BooleanField(
        help_text="False means that counts of facets and prices are estimates, or that some were "
        "left out for lack of time."
    )
    price = QueryPriceSerializer(
        allow_null=True, help_text="The price that was read in `q`; null where it names none."
    )
    did_you_mean = serializers.CharField(help_text="The query put right, or an empty text.")
    corrected = serializers.BooleanField(help_text="The results are those of `did_you_mean`.")
    rescued = serializers.CharField(
        help_text="Where no product holds every word: near_code or some_words (results have such "
        "a code, or hold some words), text (no results, related ones alike in meaning) or popular "
        "(best sellers); else empty."
    )
    hybrid = serializers.BooleanField(help_text="Whether meaning took part beside words.")
    next = serializers.CharField(
        allow_null=True, help_text="Address of the page that follows; null at the end."
    )


class SuggestionSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(choices=["query", "category", "brand", "product"])
    text = serializers.CharField()
    key = serializers.CharField(help_text="Of a product its key, else the value to filter by.")
    url = serializers.CharField(help_text="The product's own page, or an empty text.")


class SuggestAnswerSerializer(serializers.Serializer):
    suggestions = SuggestionSerializer(many=True)


FOUND = OpenApiExample(
    "A misspelt query",
    value={
        "total": 61,
        "total_is_exact": True,
        "outcome": "found",
        "results": [
            {
                "id": 17,
                "score": 0.97,
                "tier": "words",
                "title": "Linen shirt, navy",
                "url": "/p/17/linen-shirt-navy/",
            }
        ],
        "related": [],
        "facets": [{"name": "colour", "values": [{"value": "navy", "count": 27}]}],
        "prices": [{"low": "10", "high": "50", "count": 61}],
        "price": None,
        "did_you_mean": "navy shirt",
        "corrected": True,
        "rescued": "",
        "hybrid": True,
        "next": "https://shop.example/api/similarity/v1/search/?q=navi+shirt&cursor=…",
    },
    response_only=True,
    status_codes=["200"],
)
SUGGESTED = OpenApiExample(
    "After four letters",
    value={
        "suggestions": [
            {"kind": "query", "text": "sleeping bags", "key": "", "url": ""},
            {
                "kind": "category",
                "text": "Sleeping bags",
                "key": "Outdoor > Sleeping bags",
                "url": "",
            },
            {
                "kind": "product",
                "text": "Sleeping bag, navy",
                "key": "17",
                "url": "/p/17/sleeping-bag-navy/",
            },
        ]
    },
    response_only=True,
    status_codes=["200"],
)


class _GetSchema(AutoSchema):
    """A document of its own: the operation is named here and not after the view."""

    def get_tags(self) -> list[str]:
        return [TAG]


class SearchSchema(_GetSchema):
    def get_operation_id(self) -> str:
        return "search_products"

    def get_override_parameters(self) -> list[Any]:
        return [
            _text_parameter('Words, "phrases", -unwanted, prices such as `under 50`, codes.'),
            _limit_parameter(DEFAULT_LIMIT),
            OpenApiParameter("cursor", str, description="From `next`; of the same query only."),
            OpenApiParameter("sort", str, enum=_sorts(), default="relevance"),
            OpenApiParameter(
                "facets",
                str,
                description="Attributes whose values are counted, by commas; `price` for a "
                "histogram. Each is counted under all filters but its own.",
                examples=[OpenApiExample("Three facets", value="colour,brand,price")],
            ),
            *filter_parameters(),
        ]

    def get_response_serializers(self) -> Any:
        return {200: SearchPageSerializer, **refusals.BY_QUERY}

    def get_examples(self) -> list[OpenApiExample]:
        return [FOUND]


class SuggestSchema(_GetSchema):
    def get_operation_id(self) -> str:
        return "suggest"

    def get_override_parameters(self) -> list[Any]:
        return [
            _text_parameter("What has been typed so far; the last word may be begun."),
            _limit_parameter(DEFAULT_SUGGESTIONS),
        ]

    def get_response_serializers(self) -> Any:
        return {200: SuggestAnswerSerializer, **refusals.BY_QUERY}

    def get_examples(self) -> list[OpenApiExample]:
        return [SUGGESTED]


def _text_parameter(description: str) -> OpenApiParameter:
    return OpenApiParameter(
        "q", {"type": "string", "maxLength": MAX_LENGTH}, description=description
    )


def _limit_parameter(default: int) -> OpenApiParameter:
    most = conf.MAX_LIMIT
    whole = {"type": "integer", "minimum": 1, "maximum": most, "default": min(default, most)}
    return OpenApiParameter("limit", whole, description="How many.")


def _sorts() -> list[str]:
    priced = get_adapter().has_price
    return [sort for sort in SORTS if priced or not sort.endswith("price")]
