"""The shape of the API's answers, for the schema and for REST framework."""

import math
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.card import page_url, title_of
from similarity.similar.hits import Hit
from similarity.similar.trace import Answered


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class KeyField(serializers.Field):
    """A primary key as the host's own API shows it: a number stays one, all else is text."""

    def to_representation(self, value: Any) -> int | str:
        return value if isinstance(value, int) else str(value)


class BodySerializer(serializers.Serializer):
    """What a request's body may hold; a field that is not known is refused."""


class BodyExtension(OpenApiSerializerExtension):
    """Tells clients of :class:`BodySerializer` that no more fields are taken."""

    target_class = BodySerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> Any:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}


class ReasonSerializer(serializers.Serializer):
    name = serializers.CharField(help_text="text, picture, colour, brand, category, …")
    share = serializers.FloatField(help_text="Share of the score; the shares add up to 1.")
    text = serializers.CharField(help_text="A short sentence for a shopper.")


class HitSerializer(serializers.Serializer):
    id = KeyField()
    score = serializers.FloatField(
        help_text="0 to 1, higher is more similar; in steps of 0.001, of 0.1 where it is of orders."
    )
    tier = serializers.CharField(help_text="Where the hit came from; see `tier` of the page.")
    title = serializers.CharField()
    url = serializers.CharField(help_text="The product's own page, or an empty text.")
    reasons = ReasonSerializer(many=True, required=False, help_text="Only with `explain=true`.")


class PlanSerializer(serializers.Serializer):
    column = serializers.CharField(help_text="fused, or the part that was searched.")
    plan = serializers.CharField(
        help_text="exact, exact per group, cells, hnsw or hnsw nearby: how it was searched."
    )
    because = serializers.CharField(
        required=False, help_text="Why that plan was chosen, in figures. For the staff only."
    )
    found = serializers.IntegerField(help_text="Rows that it brought, variants included.")


class PageSerializer(serializers.Serializer):
    version = serializers.IntegerField(
        allow_null=True, help_text="Encoder version that answered; null before there is one."
    )
    tier = serializers.CharField(
        allow_null=True,
        help_text="Tier of the best hit: fused, text, image, colour or attributes by vectors, "
        "then category and department; popular, newest and catalogue only where "
        "SIMILARITY['SHELVES']['FILL'] is on; null without hits.",
    )
    results = HitSerializer(many=True)
    next = serializers.CharField(
        allow_null=True, help_text="Address of the page that follows; null at the end."
    )
    plans = PlanSerializer(
        many=True, required=False, help_text="Queries of vectors, in order. Only with `explain`."
    )


class ErrorDetailSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()
    parameter = serializers.CharField(allow_null=True)


# Generators of clients name a variable after the component: "error" would hide its own field.
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


def plan_data(query: Answered, *, figures: bool = False) -> dict[str, Any]:
    """One query of vectors, as :class:`PlanSerializer` describes it.

    ``figures`` are for the staff. Its time is left to the metrics: an answer must be the same
    while nothing has changed.
    """
    told = {"because": query.because} if figures else {}
    return {"column": query.column, "plan": query.plan, **told, "found": query.found}


def public_score(hit: Hit) -> float:
    """The score in steps too coarse to tell how much is sold."""
    steps = 10 if hit.tier == "copurchase" else 1000
    return math.floor(hit.score * steps + 1e-9) / steps


def hit_data(
    hit: Hit, adapter: CatalogAdapter, *, explain: bool, figures: bool = False
) -> dict[str, Any]:
    """One result, as :class:`HitSerializer` describes it; with ``figures``, the exact score."""
    product = hit.product
    if product is None:
        raise ValueError(f"hit {hit.key!r} carries no product")
    data: dict[str, Any] = {
        "id": KeyField().to_representation(product.pk),
        "score": round(hit.score, 6) if figures else public_score(hit),
        "tier": hit.tier,
        "title": title_of(adapter, product),
        "url": page_url(product),
    }
    if explain:
        data["reasons"] = [
            {"name": r.name, "share": round(r.share, 6), "text": r.text} for r in hit.reasons
        ]
    return data
