"""Serializers for the API of events: requests and answers."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from similarity.api.fields import (
    MAX_KEY,
    DescribedField,
    FlagField,
    KeyField,
    LimitField,
    TextField,
)
from similarity.api.serializers import (
    MAX_CURSOR,
    CardSerializer,
    QuerySerializer,
    RequestSerializer,
)
from similarity.events.incoming import MAX_EVENTS, MAX_PRODUCTS, read_time
from similarity.events.models import Kind


class EventsField(DescribedField):
    """The events of a request; each is checked by itself, so that a faulty one is refused alone."""

    def openapi(self) -> dict[str, Any]:
        key = {"oneOf": [{"type": "string"}, {"type": "integer"}]}
        event = {
            "type": "object",
            "properties": {
                "type": {
                    "type": "string",
                    "description": ", ".join(f"`{kind.name.lower()}`" for kind in Kind)
                    + ", or the name that Google Analytics 4 or Segment has for it.",
                },
                "product": key,
                "products": {
                    "type": "array",
                    "maxItems": MAX_PRODUCTS,
                    "items": {"oneOf": [*key["oneOf"], {"type": "object"}]},
                },
                "quantity": {"type": "integer", "minimum": 1},
                "value": {"oneOf": [{"type": "number"}, {"type": "string"}]},
                "currency": {"type": "string", "description": "Three capitals."},
                "query": {"type": "string"},
                "token": {"type": "string"},
                "at": {"type": "string", "description": "ISO 8601; without it, now."},
            },
            "required": ["type"],
        }
        return {"type": "array", "minItems": 1, "maxItems": MAX_EVENTS, "items": event}

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list) or not 1 <= len(data) <= MAX_EVENTS:
            raise serializers.ValidationError(f"give a list of 1 to {MAX_EVENTS} events")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class TimeField(DescribedField):
    """A time of ISO 8601."""

    def openapi(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": 64}

    def to_internal_value(self, data: Any) -> datetime:
        at = read_time(data) if isinstance(data, str) else None
        if at is None:
            raise serializers.ValidationError("give a time such as 2026-05-01T12:00:00Z")
        return at


class EventsRequestSerializer(RequestSerializer):
    key = serializers.UUIDField(
        required=False,
        help_text="Idempotency key of the batch: the same key again adds nothing. "
        "The header `Idempotency-Key` does the same.",
        error_messages={"invalid": "give a UUID"},
    )
    sent_at = TimeField(
        required=False, help_text="The client's own time of sending, which corrects its clock."
    )
    events = EventsField()


class RefusalSerializer(serializers.Serializer):
    index = serializers.IntegerField(help_text="Place of the event in the request, from 0.")
    reason = serializers.CharField()


class AcceptedSerializer(serializers.Serializer):
    accepted = serializers.IntegerField(
        help_text="Rows kept, one for each product of an event; 0 without consent."
    )
    repeated = serializers.BooleanField(help_text="True if the key was known already.")
    refused = RefusalSerializer(many=True)
    reason = serializers.CharField(
        required=False, help_text="Why nothing was kept: no_consent or bot."
    )


class PreferencesRequestSerializer(RequestSerializer):
    consent = FlagField(
        required=False, help_text="True: remember the shopper. False: erase all that is kept."
    )
    personal = FlagField(required=False, help_text="Show personal shelves.")
    reasons = FlagField(required=False, help_text="Say why a product is recommended.")


class PreferencesSerializer(serializers.Serializer):
    consent = serializers.BooleanField()
    personal = serializers.BooleanField()
    reasons = serializers.BooleanField()
    refused_by_browser = serializers.BooleanField(
        help_text="The browser sends `Sec-GPC` or `DNT`, so consent cannot be given."
    )


class HistoryQuerySerializer(QuerySerializer):
    limit = LimitField(20)
    cursor = TextField(
        max_length=MAX_CURSOR, required=False, help_text="From `next` of the page before."
    )


class HistoryEntrySerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    type = serializers.CharField(help_text="`view`, `click`, `add_to_cart` …")
    key = KeyField(help_text="The product's key, also of a product that is gone.")
    quantity = serializers.IntegerField()
    product = CardSerializer(
        allow_null=True, help_text="The product as it is shown now; null if it is not sold."
    )
    no_longer_sold = serializers.BooleanField()


class HistorySerializer(serializers.Serializer):
    results = HistoryEntrySerializer(many=True, help_text="Latest first.")
    next = serializers.CharField(
        allow_null=True, help_text="Address of the next page; null at the end."
    )


class ErasedQuerySerializer(QuerySerializer):
    product = TextField(
        max_length=MAX_KEY,
        required=False,
        help_text="Key of a product, whose events alone are erased; without it everything is.",
    )


class ErasedSerializer(serializers.Serializer):
    events = serializers.IntegerField(help_text="Number of events that were erased.")


class ExportQuerySerializer(QuerySerializer):
    """No parameter."""


class ExportSerializer(serializers.Serializer):
    """Everything that is kept; empty if nothing is. Other apps add what they keep."""

    exported_at = serializers.CharField(required=False)
    consented_at = serializers.CharField(required=False)
    signed_in = serializers.BooleanField(required=False)
    preferences = serializers.DictField(child=serializers.BooleanField(), required=False)
    events = serializers.ListField(child=serializers.DictField(), required=False)
