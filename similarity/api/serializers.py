"""Requests and answers of the API; each serializer checks and documents them.

The limits and names of a request are defined only here: a view reads what its serializer validated,
and OpenAPI is made from the same serializer.
"""

import difflib
import math
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from similarity import conf
from similarity.api.errors import BadParameter, bad_parameter, shown
from similarity.api.fields import (
    FilterField,
    FlagField,
    KeyField,
    KeysField,
    LimitField,
    NamesField,
    OneOfField,
    ShareField,
    TextField,
    as_number,
    is_storable,
)
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.exceptions import QueryError
from similarity.similar.filters import MAX_NAME, MAX_PRICE, PRICES, filter_names, is_filter
from similarity.similar.hits import MODES, Query
from similarity.similar.more_like import MAX_GIVEN
from similarity.similar.scoring import METRICS

#: The most filters of one request by attributes that are not listed.
MAX_FILTERS = 20

#: A query parameter of REST framework itself.
FORMAT = "format"

#: The most characters of a signed cursor; our own have about 300.
MAX_CURSOR = 2000


class RequestSerializer(serializers.Serializer):
    """A JSON body. An unknown field is refused."""

    is_json = True
    #: The word for a field in errors.
    kind = "field"

    @classmethod
    def read(cls, data: Any) -> dict[str, Any]:
        """Return the validated request. Raises :class:`BadParameter`."""
        serializer = cls(data=data)
        try:
            serializer.is_valid(raise_exception=True)
        except ValidationError as error:
            raise bad_parameter(error, data) from error
        return serializer.validated_data

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            raise ValidationError("give an object, in braces")
        for name in data:
            if name not in self.fields:
                self._refuse_unknown(name)
        return super().to_internal_value(data)

    def openapi_of_others(self) -> Any:
        """Return the OpenAPI description of unlisted fields.

        False means that there are no such fields; None leaves them undescribed.
        """
        return False

    def _refuse_unknown(self, name: str) -> None:
        safe = shown(name)[1:-1]
        near = difflib.get_close_matches(name[:MAX_NAME], self.fields, n=1)
        hint = f"did you mean {near[0]!r}? Known are" if near else "known are"
        top: Any = self
        while top.parent and top.parent.parent:
            top = top.parent
        where = f" in {top.field_name}" if top.field_name else ""
        raise BadParameter(
            f"There is no {self.kind} '{safe}'{where}; {hint} {', '.join(self.fields)}.",
            top.field_name or safe,
        )


class QuerySerializer(RequestSerializer):
    """A query string or a form: texts; the last value of a name counts."""

    is_json = False
    kind = "parameter"

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, QueryDict):
            data = {
                name: values[-1] if name in self._declared_fields else list(values)
                for name, values in data.lists()
                if name != FORMAT
            }
        return super().to_internal_value(data)


class FiltersSerializer(RequestSerializer):
    """The filters that the settings list, and attributes that only the products have."""

    kind = "filter"

    def get_fields(self) -> dict[str, Any]:
        return filter_fields(get_adapter()) | super().get_fields()

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        names = data if isinstance(data, Mapping) else ()
        others = [name for name in names if name not in self.fields]
        for name in others[:MAX_FILTERS]:
            asked = len(name) <= MAX_NAME and is_storable(name)
            if asked and is_filter(get_adapter(), name):
                self.fields[name] = FilterField()
        return super().to_internal_value(data)

    def openapi_of_others(self) -> Any:
        others = FilterField()
        others.parent = self
        return others.openapi() if conf.get("API", "FILTERS") is None else False


class FilteredQuerySerializer(QuerySerializer, FiltersSerializer):
    """A query string with filters beside its own parameters; validated, ``filters`` holds them."""

    def openapi_of_others(self) -> None:
        return None

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        found = super().to_internal_value(data)
        filters = [name for name in found if isinstance(self.fields[name], FilterField)]
        return {**found, "filters": {name: found.pop(name) for name in filters}}


def filter_fields(adapter: CatalogAdapter) -> dict[str, Any]:
    """Return a field for each filter that can be named in advance."""
    amount = {"type": "number", "minimum": 0, "maximum": MAX_PRICE, "exclusiveMaximum": True}
    prices = {name: FilterField(amount, help_text="In the shop's currency.") for name in PRICES}
    stock = FilterField({"type": "boolean"}, help_text="Only products in stock.")
    attributes = {name: FilterField(help_text=_describe(name)) for name in filter_names(adapter)}
    return {**(prices if adapter.has_price else {}), "in_stock": stock, **attributes}


def _describe(name: str) -> str:
    if name == "category":
        return "Category, or the start of its path; subcategories count. Several are alternatives."
    return f"Value of the attribute {name}; several are alternatives."


class WeightsField(TextField):
    """``text:0.5,image:0.5`` as a dict."""

    def to_internal_value(self, data: Any) -> Any:
        weights: dict[str, float] = {}
        for item in super().to_internal_value(data).split(","):
            part, _colon, number = item.partition(":")
            weight = as_number(number)
            if not part.strip() or part.strip() in weights or math.isnan(weight):
                raise ValidationError("write part:weight pairs such as text:0.5,image:0.5")
            weights[part.strip()] = weight
        return weights


class ReasonSerializer(serializers.Serializer):
    name = serializers.CharField(help_text="text, picture, colour, brand, category, …")
    share = serializers.FloatField(help_text="Share of the score; the shares add up to 1.")
    text = serializers.CharField(help_text="A short sentence for a shopper.")


class ImageSerializer(serializers.Serializer):
    url = serializers.CharField(help_text="Absolute.")
    alt = serializers.CharField(help_text="Description of the picture, or the product's title.")


class CardSerializer(serializers.Serializer):
    """The data of a product's card in a shop."""

    id = KeyField(help_text="The product's key; of the same type in requests.")
    title = serializers.CharField(required=False)
    url = serializers.CharField(
        required=False, help_text="The product's own page as the shop links it, or an empty text."
    )
    price = serializers.CharField(
        required=False, allow_null=True, help_text="A decimal number such as 19.90."
    )
    currency = serializers.CharField(required=False, help_text="EUR, or an empty text.")
    image = ImageSerializer(required=False, allow_null=True)
    in_stock = serializers.BooleanField(
        required=False, help_text="Current stock; true if the shop keeps no stock."
    )
    brand = serializers.CharField(required=False, help_text="Empty if the shop maps none.")


class HitSerializer(CardSerializer):
    """A product with its score, tier and reasons; ``fields`` may leave out all except ``id``."""

    score = serializers.FloatField(
        required=False,
        help_text="0 to 1, higher is more similar; in steps of 0.001, or of 0.1 if it comes from "
        "orders.",
    )
    tier = serializers.CharField(
        required=False, help_text="The source of the hit; see `tier` of the page."
    )
    reasons = ReasonSerializer(many=True, required=False, help_text="Only with `explain`.")


HIT_FIELDS = tuple(HitSerializer._declared_fields)


class NarrowedRequest(serializers.Serializer):
    """``fields``: the fields that each hit holds."""

    fields = NamesField(  # type: ignore[assignment]
        HIT_FIELDS,
        required=False,
        help_text=f"Fields of each hit beside `id`, all by default: {', '.join(HIT_FIELDS)}.",
    )


class ExplainedRequest(NarrowedRequest):
    explain = FlagField(default=False, help_text="Give the reasons.")


class PersonalRequest(serializers.Serializer):
    personal = FlagField(
        default=False,
        help_text="Move products that are near to the shopper who asks further up. Only with their "
        "consent, and with `similarity.shoppers` installed; such an answer is not stored.",
    )


class SimilarQuerySerializer(PersonalRequest, ExplainedRequest, FilteredQuerySerializer):
    limit = LimitField(8)
    cursor = TextField(
        max_length=MAX_CURSOR, required=False, help_text="From `next` of the same query."
    )
    weights = WeightsField(
        max_length=1000,
        required=False,
        help_text="Weight of each part instead of the shop's own, such as `text:0.5,image:0.5`: "
        f"{', '.join(MODES[1:])}. Only with mode `fused`.",
    )
    diversity = ShareField(default=0, help_text="How much the products differ among themselves.")
    metric = OneOfField(METRICS, default="cosine")
    mode = OneOfField(MODES, default="fused", help_text="All parts fused, or a single part.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse invalid weights under the parameter's name."""
        if "weights" in attrs:
            try:
                Query(limit=1, mode=attrs["mode"], weights=attrs["weights"])
            except QueryError as error:
                raise BadParameter(str(error), "weights") from error
        return attrs


class MoreLikeRequestSerializer(ExplainedRequest, RequestSerializer):
    liked = KeysField(
        min_length=1,
        max_length=MAX_GIVEN,
        help_text="Keys of products; keys without a product are left out.",
    )
    disliked = KeysField(
        max_length=MAX_GIVEN, default=[], help_text="May not share keys with `liked`."
    )
    limit = LimitField(8)
    filters = FiltersSerializer(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if both := set(attrs["liked"]) & set(attrs["disliked"]):
            raise BadParameter(
                f"{min(both, key=str)!r} is in liked and in disliked; leave it out of one.",
                "disliked",
            )
        return attrs


class PlanSerializer(serializers.Serializer):
    column = serializers.CharField(help_text="fused, or the searched part.")
    plan = serializers.CharField(
        help_text="exact, exact per group, cells, hnsw or hnsw nearby: how it was searched."
    )
    because = serializers.CharField(
        required=False, help_text="Why that plan was chosen, in figures. For staff only."
    )
    found = serializers.IntegerField(help_text="Rows found, variants included.")


class ShelfSerializer(serializers.Serializer):
    version = serializers.IntegerField(
        allow_null=True, help_text="Encoder version that answered; null before the first version."
    )
    tier = serializers.CharField(
        allow_null=True,
        help_text="Tier of the best hit: fused, text, image, colour or attributes by vectors, "
        "then category and department; popular, newest and catalogue only if "
        "SIMILARITY['SHELVES']['FILL'] is on; null without hits.",
    )
    results = HitSerializer(many=True)


class PageSerializer(ShelfSerializer):
    next = serializers.CharField(
        allow_null=True, help_text="Address of the next page; null at the end."
    )
    plans = PlanSerializer(
        many=True, required=False, help_text="Vector queries, in order. Only with `explain`."
    )


class MoreLikeSerializer(ShelfSerializer):
    unknown = serializers.ListField(
        child=KeyField(), help_text="Keys of the request that no product has."
    )


class ErrorDetailSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()
    parameter = serializers.CharField(allow_null=True)


# Client generators name a variable after the component: "error" would hide its own field.
@extend_schema_serializer(component_name="ErrorAnswer")
class ErrorSerializer(serializers.Serializer):
    error = ErrorDetailSerializer()


class HealthCheckSerializer(serializers.Serializer):
    name = serializers.CharField()
    ok = serializers.BooleanField()
    detail = serializers.CharField(required=False, help_text="For staff only.")


class HealthSerializer(serializers.Serializer):
    status = serializers.ChoiceField(choices=["ok", "unavailable"])
    checks = HealthCheckSerializer(many=True)
