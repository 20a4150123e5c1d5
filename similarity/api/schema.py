"""OpenAPI of the API, made on request from the serializers that check requests."""

from collections.abc import Mapping, Sequence
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from similarity.api.fields import DescribedField, key_schema

TAG = "similarity"


class ApiSchema(AutoSchema):
    """Names and describes the product's key in a path; its type depends on the product model."""

    def get_tags(self) -> list[str]:
        return [TAG]

    def get_override_parameters(self) -> list[Any]:
        if "{key}" not in self.path:
            return []
        return [OpenApiParameter("key", key_schema(), "path", description="The product's key.")]


class FieldExtension(OpenApiSerializerFieldExtension):
    target_class = DescribedField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Any:
        return self.target.openapi()


class RequestExtension(OpenApiSerializerExtension):
    """Describes the fields that a body accepts beside the listed fields."""

    target_class = "similarity.api.serializers.RequestSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> Any:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        others = self.target.openapi_of_others()
        return schema if others is None else {**schema, "additionalProperties": others}


def document(
    operation_id: str,
    answer: Any,
    *,
    query: Any = None,
    body: Any = None,
    etag: bool = False,
    not_found: str = "",
    more: Mapping[int, Any] | None = None,
    examples: Sequence[OpenApiExample] = (),
) -> Any:
    """Describe a view's method: its parameters, answers and refusals."""
    parameters: list[Any] = [query] if query else []
    answers: dict[Any, Any] = {200: answer, **_refusals(bool(body), not_found), **(more or {})}
    if etag:
        parameters += [
            OpenApiParameter("If-None-Match", str, "header", description="ETag of the copy held."),
            OpenApiParameter("ETag", str, "header", response=[200], description="Weak."),
        ]
        answers[304] = OpenApiResponse(description="The answer has not changed.")
    return extend_schema(
        operation_id=operation_id,
        parameters=parameters,
        request=body,
        responses=answers,
        examples=list(examples),
    )


def refusal(description: str) -> OpenApiResponse:
    """Return the description of an answer with an error."""
    from similarity.api.serializers import ErrorSerializer

    return OpenApiResponse(ErrorSerializer, description)


def answered(name: str, value: Any, status: int = 200) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


def asked(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


def refused(name: str, message: str, parameter: str) -> OpenApiExample:
    error = {"code": "bad_parameter", "message": message, "parameter": parameter}
    return answered(name, {"error": error}, 400)


def _refusals(has_body: bool, not_found: str) -> dict[int, OpenApiResponse]:
    what = "A field of the body" if has_body else "A parameter"
    found = {
        400: refusal(f"{what} that is unknown, or a value that cannot be served."),
        403: refusal("Not permitted."),
        404: refusal(" ".join([not_found, "There is no renderer of that `format`."]).strip()),
        406: refusal("No renderer supports the `Accept` header."),
        429: refusal("Too many requests; `Retry-After` gives the time to wait."),
        503: refusal("The database does not answer; `Retry-After` gives the time to wait."),
    }
    return found | ({415: refusal("The body is of another type.")} if has_body else {})


#: One hit, for examples.
HIT = {
    "id": 17,
    "title": "Linen shirt, navy",
    "url": "/p/17/linen-shirt-navy/",
    "price": "49.00",
    "currency": "EUR",
    "image": {"url": "https://shop.example/media/17.jpg", "alt": "A navy shirt"},
    "in_stock": True,
    "brand": "Northfield",
    "score": 0.91,
    "tier": "fused",
}
