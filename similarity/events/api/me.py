"""API views of what a shop keeps of the shopper who asks: to read, to export, to erase."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from similarity import conf
from similarity.api.errors import BadParameter
from similarity.api.fields import KeyField
from similarity.api.hits import HitWriter
from similarity.api.paging import Cursor
from similarity.api.schema import HIT, answered, document
from similarity.api.throttling import AddressThrottle
from similarity.catalog.adapter import get_adapter
from similarity.events import erasure, identity, partitions
from similarity.events.api import serializers
from similarity.events.api.views import PersonalView, personal_answer
from similarity.events.models import Event, Profile
from similarity.events.names import name_of
from similarity.exceptions import QueryError
from similarity.similar.within import key_of

#: Exports of an address in each process: an export reads a whole history.
EXPORT_RATE = "10/min"
#: The name under which a browser saves an export.
EXPORT_NAME = "history.json"

_CARD = {name: value for name, value in HIT.items() if name not in ("score", "tier")}
_ENTRY = {
    **{"at": "2026-12-01T10:30:00+00:00", "type": "view", "key": 17, "quantity": 1},
    **{"product": _CARD, "no_longer_sold": False},
}
_GONE = {**_ENTRY, "key": 18, "product": None, "no_longer_sold": True}
_EXPORT = {
    "exported_at": "2026-12-01T10:30:00+00:00",
    "consented_at": "2026-11-01T09:00:00+00:00",
    "signed_in": True,
    "preferences": {"personal": True, "reasons": True},
    "events": [{"at": "2026-12-01T10:29:00+00:00", "type": "view", "product": "17"}],
}


class ExportThrottle(AddressThrottle):
    """A limit by address, per process, so that it leaves no entry in the cache."""

    in_process = True

    def __init__(self) -> None:
        super().__init__("export")

    def get_rate(self) -> str | None:
        return None if conf.get("API", "THROTTLE") is None else EXPORT_RATE


class HistoryView(PersonalView):
    """What the shopper who asks did. No request names a shopper, so none can name another."""

    http_method_names = ["get", "head", "delete", "options"]

    @document(
        "history",
        serializers.HistorySerializer,
        query=serializers.HistoryQuerySerializer,
        examples=[answered("Two events", {"results": [_ENTRY, _GONE], "next": None})],
    )
    def get(self, request: Request) -> Response:
        wanted = serializers.HistoryQuerySerializer.read(request.query_params)
        cursor = Cursor("similarity.events.history")
        after = _position(cursor.position(wanted.get("cursor")))
        profile = _own(request)
        events = _page(profile, after, wanted["limit"] + 1) if profile else []
        shown = events[: wanted["limit"]]
        more = len(events) > len(shown)
        following = f"{shown[-1].at.isoformat()}|{shown[-1].id}" if more else None
        entries = _entries(request, shown)
        return personal_answer({"results": entries, "next": cursor.next_page(request, following)})

    @document(
        "erase_history",
        serializers.ErasedSerializer,
        query=serializers.ErasedQuerySerializer,
        examples=[answered("Erased", {"events": 12})],
    )
    def delete(self, request: Request) -> Response:
        wanted = serializers.ErasedQuerySerializer.read(request.query_params)
        own = identity.profiles_to_erase(request)
        if "product" in wanted:
            key = _key(wanted["product"])
            return personal_answer(
                {"events": sum(erasure.erase_events(profile, key) for profile in own)}
            )
        response = personal_answer({"events": sum(map(erasure.erase, own))})
        identity.forget_known(request)
        identity.forget(response)
        return response


class ExportView(PersonalView):
    """Everything that is kept of the shopper who asks, as a file."""

    http_method_names = ["get", "head", "options"]

    def get_throttles(self) -> list[BaseThrottle]:
        return [ExportThrottle()]

    @document(
        "export_history",
        serializers.ExportSerializer,
        examples=[answered("Everything", _EXPORT)],
    )
    def get(self, request: Request) -> Response:
        serializers.ExportQuerySerializer.read(request.query_params)
        profile = _own(request)
        response = personal_answer(erasure.export(profile) if profile else {})
        response["Content-Disposition"] = f'attachment; filename="{EXPORT_NAME}"'
        return response


def _own(request: Request) -> Profile | None:
    """Return the profile of the shopper who asks, by account or else by cookie.

    Also of a browser that refuses to be followed now: what is kept may still be read.
    """
    return next(iter(identity.profiles_to_erase(request)), None)


def _page(profile: Profile, after: tuple[datetime, int] | None, most: int) -> list[Event]:
    """Return a page of events with products, latest first, in one query by the index."""
    events = Event.objects.using(partitions.alias()).filter(
        profile_id=profile.pk, product__isnull=False
    )
    if after is not None:
        at, number = after
        events = events.filter(Q(at__lt=at) | Q(at=at, id__lt=number), at__lte=at)
    return list(events.order_by("-at", "-id")[:most])


def _position(position: str | None) -> tuple[datetime, int] | None:
    if position is None:
        return None
    at, _sign, number = position.rpartition("|")
    return datetime.fromisoformat(at), int(number)


def _entries(request: Request, events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return events as the API writes them; a product that is hidden now is only its key."""
    adapter = get_adapter()
    viewable = adapter.for_display(adapter.viewable(request._request))
    products = viewable.filter(pk__in={event.product_id for event in events})
    by_key = {product.pk: product for product in products} if events else {}
    writer = HitWriter(request, {}, list(by_key.values()))
    write_key = KeyField().to_representation
    entries = []
    for event in events:
        product = by_key.get(event.product_id)
        entries.append(
            {
                "at": event.at.isoformat(),
                "type": name_of(event.kind),
                "key": write_key(event.product_id),
                "quantity": event.quantity,
                "product": writer.write_card(product) if product else None,
                "no_longer_sold": product is None,
            }
        )
    return entries


def _key(text: str) -> Any:
    try:
        return key_of(text)
    except QueryError as error:
        raise BadParameter(f"product: {error}", "product") from error
