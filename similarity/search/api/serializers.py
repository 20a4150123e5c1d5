"""What is asked of search in the API, and what is answered."""

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
    QuerySerializer,
    RequestSerializer,
)
from similarity.catalog.adapter import get_adapter
from similarity.search import facets as counting
from similarity.search.page import Outcome
from similarity.search.sorting import SORTS
from similarity.search.words import MAX_LENGTH
from similarity.similar.filters import filter_names, is_filter

#: Characters of a query to re-rank for, and results of it.
MAX_QUERY = 300
MAX_RESULTS = 500
MAX_BUDGET_MS = 1000

#: Characters beside a picture.
MAX_WORDS = 200


class SortField(OneOfField):
    def __init__(self, **options: Any) -> None:
        super().__init__(SORTS, **options)

    def bind(self, field_name: str, parent: Any) -> None:
        super().bind(field_name, parent)
        if not get_adapter().has_price:
            self.choices = [sort for sort in SORTS if not sort.endswith("price")]


class FacetsField(TextField):
    """``colour,brand`` as a list; ``price`` is the histogram of prices."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
        if len(names) > counting.MOST_FACETS:
            raise ValidationError(f"name {counting.MOST_FACETS} facets at most")
        adapter = get_adapter()
        for name in names:
            known = name == counting.PRICE or is_filter(adapter, name)
            if not known or not counting.is_countable(name, adapter):
                raise ValidationError(
                    f"there is no facet {shown(name)}; known are price, "
                    f"{', '.join(filter_names(adapter))}, and attributes that products have"
                )
        return names


class SearchQuerySerializer(NarrowedRequest, FilteredQuerySerializer):
    q = TextField(
        max_length=MAX_LENGTH,
        anything=True,
        allow_blank=True,
        default="",
        help_text='Words, "phrases", -unwanted, prices such as `under 50`, codes.',
    )
    limit = LimitField(24)
    cursor = TextField(
        max_length=MAX_CURSOR, required=False, help_text="From `next`; of the same query only."
    )
    sort = SortField(default="relevance")
    facets = FacetsField(
        max_length=1000,
        required=False,
        allow_blank=True,
        help_text="Attributes whose values are counted, by commas, as `colour,brand`; `price` for "
        "a histogram. Each is counted under all filters but its own.",
    )


class SuggestQuerySerializer(QuerySerializer):
    q = TextField(
        max_length=MAX_LENGTH,
        anything=True,
        allow_blank=True,
        default="",
        help_text="What has been typed so far; the last word may be begun.",
    )
    limit = LimitField(8)


class PictureField(DescribedField):
    """The bytes of one file; the worker that looks at it knows its format by its content."""

    def openapi(self) -> dict[str, Any]:
        return {"type": "string", "format": "binary"}

    def to_internal_value(self, data: Any) -> bytes:
        if not hasattr(data, "read"):
            raise ValidationError("send a file, as a form does")
        return bytes(data.read())


class PictureFormSerializer(NarrowedRequest, FilteredQuerySerializer):
    kind = "field"

    image = PictureField(help_text="JPEG, PNG, WebP, GIF, BMP or AVIF; known by its content.")
    q = TextField(
        max_length=MAX_WORDS,
        default="",
        allow_blank=True,
        help_text="Words beside the picture: this, but in navy.",
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


class RerankRequestSerializer(RequestSerializer):
    query = QueryField(max_length=MAX_QUERY, help_text="What the shopper typed; not blank.")
    results = serializers.ListField(
        child=ResultField(),
        allow_empty=False,
        max_length=MAX_RESULTS,
        help_text="Keys of products in the order of the host's own search, with its scores where "
        "it has some; a score counts only where every result has one.",
    )
    budget_ms = WholeField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MAX_BUDGET_MS,
        help_text="The longest it may take; 100 by default.",
    )


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
    id = KeyField(allow_null=True, help_text="The product's key; null for other kinds.")
    value = serializers.CharField(
        help_text="The value to filter by: of a category its path; empty for a product."
    )
    url = serializers.CharField(help_text="The product's own page, or an empty text.")


class SuggestAnswerSerializer(serializers.Serializer):
    suggestions = SuggestionSerializer(many=True)


class PictureSearchSerializer(serializers.Serializer):
    version = serializers.IntegerField(
        allow_null=True, help_text="Encoder version that answered; null before there is one."
    )
    results = HitSerializer(
        many=True, help_text="Best first; their tier is image, or image+text where `q` counted."
    )


class RerankSerializer(serializers.Serializer):
    results = serializers.ListField(
        child=KeyField(), help_text="The keys given, each as often as it was given."
    )
    reranked = serializers.BooleanField(help_text="False where the order is the one given.")
    reason = serializers.ChoiceField(
        choices=[
            *("", "out_of_time", "no_query_vector", "empty_query", "no_known_products"),
            *("database_error", "error"),
        ],
        help_text="Why the order is the one given; empty where it is not.",
    )
    ranker = serializers.CharField(help_text="`blend`, or which learned ranker; empty without.")
    took_ms = serializers.FloatField()
