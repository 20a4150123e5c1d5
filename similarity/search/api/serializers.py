"""Requests and answers of search in the API."""

import math
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from similarity.api.errors import shown
from similarity.api.fields import (
    AnyKeyField,
    DescribedField,
    KeyField,
    LimitField,
    OneOfField,
    TextField,
    WholeField,
    as_number,
    key_schema,
)
from similarity.api.serializers import (
    MAX_CURSOR,
    FilteredQuerySerializer,
    HitSerializer,
    NarrowedRequest,
    PersonalRequest,
    QuerySerializer,
    RequestSerializer,
)
from similarity.catalog.adapter import get_adapter
from similarity.search import facets as counting
from similarity.search.page import Outcome
from similarity.search.sorting import SORTS
from similarity.search.words import MAX_LENGTH
from similarity.similar.filters import filter_names, is_filter

#: The most characters of a query to re-rank for, and results of it.
MAX_QUERY = 300
MAX_RESULTS = 500
MAX_BUDGET_MS = 1000

#: The most characters beside a picture.
MAX_WORDS = 200


class SortField(OneOfField):
    def __init__(self, **options: Any) -> None:
        super().__init__(SORTS, **options)

    def bind(self, field_name: str, parent: Any) -> None:
        super().bind(field_name, parent)
        if not get_adapter().has_price:
            self.choices = [sort for sort in SORTS if not sort.endswith("price")]


class FacetsField(TextField):
    """Turn ``colour,brand`` into a list; ``price`` is the histogram of prices."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
        if len(names) > counting.MOST_FACETS:
            raise ValidationError(f"name at most {counting.MOST_FACETS} facets")
        adapter = get_adapter()
        for name in names:
            known = name == counting.PRICE or is_filter(adapter, name)
            if not known or not counting.is_countable(name, adapter):
                raise ValidationError(
                    f"there is no facet {shown(name)}; known are price, "
                    f"{', '.join(filter_names(adapter))}, and attributes that products have"
                )
        return names


class SearchQuerySerializer(PersonalRequest, NarrowedRequest, FilteredQuerySerializer):
    q = TextField(
        max_length=MAX_LENGTH,
        anything=True,
        allow_blank=True,
        default="",
        help_text='Words, "phrases", -unwanted, prices such as `under 50`, codes.',
    )
    limit = LimitField(24)
    cursor = TextField(
        max_length=MAX_CURSOR, required=False, help_text="From `next` of the same query."
    )
    sort = SortField(default="relevance")
    facets = FacetsField(
        max_length=1000,
        required=False,
        allow_blank=True,
        help_text="Attributes whose values are counted, separated by commas: `colour,brand`; "
        "`price` for a histogram. Each is counted under all filters except its own.",
    )


class SuggestQuerySerializer(QuerySerializer):
    q = TextField(
        max_length=MAX_LENGTH,
        anything=True,
        allow_blank=True,
        default="",
        help_text="The text typed so far; the last word may be unfinished.",
    )
    limit = LimitField(8)


class PictureField(DescribedField):
    """The bytes of one file; the worker recognises its format by its content."""

    def openapi(self) -> dict[str, Any]:
        return {"type": "string", "format": "binary"}

    def to_internal_value(self, data: Any) -> bytes:
        if not hasattr(data, "read"):
            raise ValidationError("send a file, as a form does")
        return bytes(data.read())


class PictureFormSerializer(NarrowedRequest, FilteredQuerySerializer):
    kind = "field"

    image = PictureField(help_text="JPEG, PNG, WebP, GIF, BMP or AVIF; recognised by its content.")
    q = TextField(
        max_length=MAX_WORDS,
        default="",
        allow_blank=True,
        help_text="Words in addition to the picture: this, but in navy.",
    )
    limit = LimitField(24)


class ResultField(DescribedField):
    """A key, or an object of a key and the host's score; read as a pair of both."""

    def openapi(self) -> dict[str, Any]:
        scored = {
            "type": "object",
            "properties": {"key": key_schema(), "score": {"type": "number", "nullable": True}},
            "required": ["key"],
            "additionalProperties": False,
        }
        return {"oneOf": [key_schema(), scored]}

    def to_internal_value(self, data: Any) -> tuple[Any, float | None]:
        if not isinstance(data, dict):
            return AnyKeyField().run_validation(data), None
        if not {"key"} <= set(data) <= {"key", "score"}:
            raise ValidationError("give a key, or an object with key and score")
        key, score = AnyKeyField().run_validation(data["key"]), data.get("score")
        if score is None:
            return key, None
        number = math.nan if isinstance(score, str) else as_number(score)
        if not abs(number) <= 1e300:
            raise ValidationError("give a finite number as score")
        return key, number


class QueryField(DescribedField, TextField):
    def openapi(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.max_length, "pattern": r"\S"}


class RerankRequestSerializer(PersonalRequest, RequestSerializer):
    query = QueryField(max_length=MAX_QUERY, help_text="The query the shopper typed; not blank.")
    results = serializers.ListField(
        child=ResultField(),
        allow_empty=False,
        max_length=MAX_RESULTS,
        help_text="Keys of products in the order of the host's own search, with its scores if it "
        "has any; scores count only if every result has one.",
    )
    budget_ms = WholeField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MAX_BUDGET_MS,
        help_text="The longest time it may take; 100 by default.",
    )


class FacetValueSerializer(serializers.Serializer):
    value = serializers.CharField(help_text="The value to send back as the filter's value.")
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
        help_text="Products that match, at most 1000; the pages hold all of them in every order of "
        "`sort`. 0 if no product matches."
    )
    total_is_exact = serializers.BooleanField(help_text="False if more products match.")
    outcome = serializers.ChoiceField(
        choices=[one.value for one in Outcome],
        help_text="found: `results` match. related: no product matches, `related` is similar in "
        "meaning. priced_out: the matches have another price than the query names and are in "
        "`related`. filtered_out: the matches do not pass the filters and are in "
        "`related`. out_of_time: the time was up before the products were searched; try "
        "again. nothing: no product matches or is near; `results` are best sellers.",
    )
    results = HitSerializer(
        many=True,
        help_text="Their tier is code, near_code (a code one slip away), words (every word) or "
        "some_words (at least half of the query); popular, newest and catalogue do not answer "
        "the query.",
    )
    related = HitSerializer(
        many=True,
        help_text="Related products that do not match, best first, at most `limit`, on the last "
        "page; not counted in `total` or `facets`. Their tier is some_words, text or image "
        "(similar in meaning, by text or by photo), or the tier of a match if price or filters "
        "excluded them.",
    )
    facets = FacetSerializer(many=True)
    prices = PriceBucketSerializer(many=True, help_text="With the facet `price`.")
    facets_are_exact = serializers.BooleanField(
        help_text="False if counts of facets and prices are estimates, or if some are missing "
        "for lack of time."
    )
    price = QueryPriceSerializer(
        allow_null=True, help_text="The price read in `q`; null if `q` names no price."
    )
    did_you_mean = serializers.CharField(help_text="The corrected query, or an empty text.")
    corrected = serializers.BooleanField(help_text="True if the results are for `did_you_mean`.")
    rescued = serializers.CharField(
        help_text="If no product holds every word: near_code or some_words (results have such "
        "a code, or hold some words), text (no results, related ones similar in meaning) or "
        "popular (best sellers); else empty."
    )
    hybrid = serializers.BooleanField(help_text="True if meaning took part beside words.")
    next = serializers.CharField(
        allow_null=True, help_text="Address of the next page; null at the end."
    )


class SuggestionSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(choices=["query", "category", "brand", "product"])
    text = serializers.CharField()
    id = KeyField(allow_null=True, help_text="The product's key; null for other kinds.")
    value = serializers.CharField(
        help_text="The value to filter by: a category's path, a brand; empty for a product."
    )
    url = serializers.CharField(help_text="The product's own page, or an empty text.")


class SuggestAnswerSerializer(serializers.Serializer):
    suggestions = SuggestionSerializer(many=True)


class PictureSearchSerializer(serializers.Serializer):
    version = serializers.IntegerField(
        allow_null=True, help_text="Encoder version that answered; null before the first version."
    )
    results = HitSerializer(
        many=True, help_text="Best first; their tier is image, or image+text if `q` counted."
    )


class RerankSerializer(serializers.Serializer):
    results = serializers.ListField(
        child=KeyField(), help_text="The given keys, each as often as it was given."
    )
    reranked = serializers.BooleanField(help_text="False if the given order is kept.")
    reason = serializers.ChoiceField(
        choices=[
            *("", "out_of_time", "no_query_vector", "empty_query", "no_known_products"),
            *("database_error", "error"),
        ],
        help_text="Why the given order is kept; empty if it is not.",
    )
    ranker = serializers.CharField(help_text="`blend`, or the learned ranker; empty without.")
    took_ms = serializers.FloatField()
