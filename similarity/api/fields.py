"""Fields of requests, and their descriptions for OpenAPI.

A field refuses a value with its remedy; :mod:`similarity.api.errors` puts the field's name and the
value before it. A query string holds only texts, and a JSON body only the types of JSON.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import IntegerField
from rest_framework import serializers
from rest_framework.fields import empty

from similarity import conf
from similarity.api.errors import shown
from similarity.exceptions import QueryError
from similarity.similar.filters import MAX_FILTER_LENGTH
from similarity.similar.within import key_field, key_of

#: The most characters of a product's key.
MAX_KEY = 255

#: A value of a filter in a body.
VALUE = {"oneOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}


class DescribedField(serializers.Field):
    """A field that defines its own OpenAPI description."""

    def openapi(self) -> dict[str, Any]:
        raise NotImplementedError


class KeyField(DescribedField):
    """A product's key: a whole number if the product model has whole numbers, otherwise a text."""

    def openapi(self) -> dict[str, Any]:
        return key_schema()

    def to_internal_value(self, data: Any) -> Any:
        self.require_key(data)
        try:
            return key_of(data)
        except QueryError as error:
            label = conf.product_model()._meta.label
            raise serializers.ValidationError(f"it is not a key of {label}") from error

    def to_representation(self, value: Any) -> int | str:
        return value if has_whole_keys() else str(value)

    def require_key(self, data: Any) -> None:
        """Raise a ValidationError for a value that cannot be the key of any product."""
        wanted, kind = (int, "whole number") if has_whole_keys() else (str, "text")
        fits = isinstance(data, wanted) and not isinstance(data, bool)
        if not fits or len(str(data)) > MAX_KEY or not is_storable(str(data)):
            raise serializers.ValidationError(f"a key is a {kind} of at most {MAX_KEY} characters")


class AnyKeyField(KeyField):
    """A key as it was sent, because the host's own index may hold products that are gone."""

    def to_internal_value(self, data: Any) -> Any:
        self.require_key(data)
        return data


class KeysField(serializers.ListField):
    """Keys of products, each once and in order."""

    child = KeyField()
    max_length: int

    def to_internal_value(self, data: Any) -> list[Any]:
        least, most = self.min_length or 0, self.max_length
        if not isinstance(data, list) or not least <= len(data) <= most:
            raise serializers.ValidationError(f"give a list of {least} to {most} keys")
        return list(dict.fromkeys(super().to_internal_value(data)))


class WholeField(serializers.IntegerField):
    min_value: int
    max_value: int

    def to_internal_value(self, data: Any) -> int:
        if _is_text(self, data) and data.isascii() and data.isdecimal() and len(data) < 10:
            data = int(data)
        whole = isinstance(data, int) and not isinstance(data, bool)
        if not whole or not self.min_value <= data <= self.max_value:
            raise serializers.ValidationError(
                f"give a whole number from {self.min_value} to {self.max_value}"
            )
        return int(data)


class LimitField(WholeField):
    """The number of results, up to ``conf.MAX_LIMIT``."""

    def __init__(self, preferred: int, *, help_text: str = "How many.") -> None:
        self.preferred = preferred
        super().__init__(min_value=1, required=False, help_text=help_text)

    def bind(self, field_name: str, parent: Any) -> None:
        super().bind(field_name, parent)
        self.max_value = conf.MAX_LIMIT
        self.default = min(self.preferred, self.max_value)


class ShareField(serializers.FloatField):
    """A number from 0 to 1."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=1, **options)

    def to_internal_value(self, data: Any) -> float:
        number = as_number(data)
        if not 0 <= number <= 1:
            raise serializers.ValidationError("give a number from 0 to 1")
        return number


class FlagField(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if _is_text(self, data) and data.lower() in ("true", "false", "1", "0"):
            return data.lower() in ("true", "1")
        if not isinstance(data, bool):
            raise serializers.ValidationError("give true or false")
        return data


class TextField(serializers.CharField):
    """A text that PostgreSQL and an answer can hold; ``anything`` turns NUL into a blank."""

    max_length: int

    def __init__(self, *, max_length: int, anything: bool = False, **options: Any) -> None:
        self.anything = anything
        super().__init__(max_length=max_length, trim_whitespace=False, **options)

    def run_validation(self, data: Any = empty) -> Any:
        if isinstance(data, str) and not data.strip() and not self.allow_blank:
            self.fail("blank")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if self.anything and isinstance(data, str):
            data = data.replace("\0", " ")
        if not isinstance(data, str) or len(data) > self.max_length or not is_storable(data):
            length = f"; it has {len(data)}" if isinstance(data, str) else ""
            raise serializers.ValidationError(
                f"give a text of at most {self.max_length} characters without NUL{length}"
            )
        return data


class OneOfField(serializers.ChoiceField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            raise serializers.ValidationError(f"choose one of {', '.join(self.choices)}")
        return data


class NamesField(DescribedField):
    """Some of ``names``: separated by commas in a query string, a list in a body."""

    def __init__(self, names: Sequence[str], **options: Any) -> None:
        self.names = names
        super().__init__(**options)

    def openapi(self) -> dict[str, Any]:
        if not is_json(self):
            return {"type": "string"}
        return {"type": "array", "items": {"type": "string", "enum": list(self.names)}}

    def to_internal_value(self, data: Any) -> list[str]:
        if _is_text(self, data):
            data = [name.strip() for name in data.split(",") if name.strip()]
        if not isinstance(data, list) or not data or len(data) > len(self.names):
            raise serializers.ValidationError(f"give some of {', '.join(self.names)}")
        for name in data:
            if name not in self.names:
                raise serializers.ValidationError(
                    f"there is no {shown(name)}; known are {', '.join(self.names)}"
                )
        return list(dict.fromkeys(data))


class FilterField(DescribedField):
    """Values of one filter as texts; a single value counts as a list.

    :func:`similarity.similar.filters.filter_products` checks the values themselves.
    """

    def __init__(self, schema: dict[str, Any] | None = None, **options: Any) -> None:
        self.schema = schema
        super().__init__(required=False, **options)

    def openapi(self) -> dict[str, Any]:
        if self.schema:
            return dict(self.schema)
        if not is_json(self):
            return {"type": "array", "items": {"type": "string"}}
        return {"oneOf": [*VALUE["oneOf"], {"type": "array", "items": VALUE, "minItems": 1}]}

    def to_internal_value(self, data: Any) -> list[str]:
        values = data if isinstance(data, list) else [data]
        if not values:
            raise serializers.ValidationError("leave it out instead of giving an empty list")
        return [self._text(value) for value in values]

    def _text(self, value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int | float):
            return str(Decimal(str(value)))
        if isinstance(value, str) and len(value) <= MAX_FILTER_LENGTH and is_storable(value):
            return value
        raise serializers.ValidationError(
            f"give texts of at most {MAX_FILTER_LENGTH} characters without NUL, numbers or booleans"
        )


def has_whole_keys() -> bool:
    """Return True if the keys of products are whole numbers."""
    field: Any = key_field()
    while field.remote_field:
        field = field.target_field
    return isinstance(field, IntegerField)


def key_schema() -> dict[str, Any]:
    """Return the OpenAPI description of a product's key."""
    return {"type": "integer"} if has_whole_keys() else {"type": "string", "maxLength": MAX_KEY}


def is_json(field: serializers.Field) -> bool:
    """Return True for a field of a JSON body, False in a query string or a form."""
    return getattr(field.root, "is_json", True)


def is_storable(text: str) -> bool:
    """Return True if PostgreSQL and an answer can hold the text: no NUL, no lone surrogates."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def as_number(data: Any) -> float:
    """Return the finite number, also of a text; NaN for anything else."""
    try:
        number = math.nan if isinstance(data, bool) else float(data)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _is_text(field: serializers.Field, data: Any) -> bool:
    return isinstance(data, str) and not is_json(field)
