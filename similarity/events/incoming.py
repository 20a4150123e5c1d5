"""Read events as clients send them: names, times and values checked, each event by itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.dateparse import parse_datetime

from similarity.api.fields import is_storable
from similarity.events.models import Kind
from similarity.events.names import items_of, kind_of, translate
from similarity.events.new_event import (
    MAX_QUANTITY,
    MAX_QUERY,
    MAX_TOKEN,
    MAX_VALUE,
    NewEvent,
)
from similarity.exceptions import QueryError
from similarity.similar.within import key_of

#: The most events of a request, and products of an event.
MAX_EVENTS, MAX_PRODUCTS = 1_000, 20
#: A client's clock is corrected if it differs by more; less is the time of the journey.
SKEW = timedelta(minutes=2)
#: Older events are refused: a client sends what it kept while it was offline, and no history.
OLDEST = timedelta(days=3)

_CURRENCY = re.compile(r"[A-Z]{3}")


class Refused(Exception):
    """An event that is not kept; the text is the reason, for a developer."""


@dataclass
class Incoming:
    """What a client sent: events to keep, with the place of each in the request, and refusals."""

    events: list[tuple[int, NewEvent]] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)

    def products(self) -> set[Any]:
        return {event.product for _place, event in self.events if event.product is not None}

    def keep_products(self, allowed: set[Any]) -> None:
        """Drop the events of other products; an event of several keeps the rest."""
        for place, event in self.events:
            if event.product is not None and event.product not in allowed:
                self.refused[place] = f"product {str(event.product)[:60]!r} is not known here"
        self.events = [
            (place, event)
            for place, event in self.events
            if event.product is None or event.product in allowed
        ]


def read_events(
    events: Sequence[Any], received: datetime, sent: datetime | None = None
) -> Incoming:
    """Return what can be kept of a request's ``events``; one that is faulty is refused alone.

    ``sent``: when the client's clock says that it sent them. If that clock is wrong, all times are
    moved by the difference to ``received``. No event lies in the future.
    """
    found = Incoming()
    shift = received - sent if sent is not None and abs(received - sent) > SKEW else timedelta(0)
    for place, told in enumerate(events):
        try:
            found.events += [(place, event) for event in _read(told, received, shift)]
        except Refused as refusal:
            found.refused[place] = str(refusal)
    return found


def read_time(told: Any) -> datetime | None:
    """Return an aware time of ISO 8601, or of seconds, milliseconds or microseconds since 1970.

    None if it is neither. Without a time zone UTC is meant.
    """
    if isinstance(told, int | float) and not isinstance(told, bool):
        return _since_1970(told)
    if not isinstance(told, str) or len(told) > 64:
        return None
    try:
        at = parse_datetime(told)
    except ValueError:
        return None
    if at is None:
        return _since_1970(float(told)) if told.isascii() and told.isdecimal() else None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _since_1970(number: float) -> datetime | None:
    if not 0 <= number < 4e15:  # microseconds until the year 2096; first, as an int may be huge
        return None
    unit = 1.0 if number < 4e9 else 1e3 if number < 4e12 else 1e6
    return datetime.fromtimestamp(number / unit, UTC)


def _read(told: Any, received: datetime, shift: timedelta) -> list[NewEvent]:
    if not isinstance(told, Mapping):
        raise Refused("an event is an object, in braces")
    event = translate(told)
    kind = kind_of(event["type"]) if isinstance(event.get("type"), str) else None
    if kind is None:
        raise Refused(f"type is {event.get('type')!r:.60}; see the table of events in the docs")
    at = _time(event, received, shift)
    token = _text(event, "token", MAX_TOKEN)
    if kind == Kind.SEARCH:
        query = " ".join(_text(event, "query", MAX_QUERY).split())
        if not query:
            raise Refused("a search needs a query")
        return [NewEvent(kind, at, query=query, token=token)]
    return [_of_product(kind, at, token, item) for item in _items(event)]


def _items(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        items = items_of(event)
    except TypeError as error:
        raise Refused("products is a list of keys, or of objects with item_id") from error
    if not items:
        raise Refused("this event needs a product, or a list of products")
    if len(items) > MAX_PRODUCTS:
        raise Refused(f"the event has {len(items)} products; send {MAX_PRODUCTS} at most")
    return items


def _of_product(kind: Kind, at: datetime, token: str, item: Mapping[str, Any]) -> NewEvent:
    key = item.get("product")
    if isinstance(key, bool) or not isinstance(key, str | int) or not is_storable(str(key)):
        raise Refused(f"product is {key!r:.60}; give its key as text or number")
    try:
        product = key_of(key)
    except QueryError as error:
        raise Refused(f"product {str(key)[:60]!r} is not known here") from error
    if isinstance(product, int) and abs(product) >= 2**63:
        raise Refused(f"product {str(key)[:60]!r} is not known here")
    return NewEvent(
        kind,
        at,
        product,
        quantity=_quantity(item),
        value=_value(item),
        currency=_currency(item),
        token=token,
    )


def _time(event: Mapping[str, Any], received: datetime, shift: timedelta) -> datetime:
    if "at" not in event:
        return received
    told = read_time(event["at"])
    if told is None:
        raise Refused(f"at is {event['at']!r:.60}; give a time such as 2026-05-01T12:00:00Z")
    try:
        at = min((told + shift).astimezone(UTC), received)
    except OverflowError as error:  # the calendar ends
        raise Refused(f"at is {event['at']!r:.60}; give a time of the last days") from error
    if received - at > OLDEST:
        raise Refused(f"at is {OLDEST.days} days ago or more; import old events from a file")
    return at


def _text(event: Mapping[str, Any], name: str, most: int) -> str:
    told = event.get(name, "")
    if told is None:
        return ""
    if not isinstance(told, str) or len(told) > most or not is_storable(told):
        raise Refused(f"{name} must be a text of at most {most} characters without NUL")
    return told


def _quantity(item: Mapping[str, Any]) -> int:
    told = item.get("quantity", 1)
    whole = isinstance(told, int) and not isinstance(told, bool)
    if not whole or not 1 <= told <= MAX_QUANTITY:
        raise Refused(f"quantity is {told!r:.60}; give a whole number from 1 to {MAX_QUANTITY}")
    return int(told)


def _value(item: Mapping[str, Any]) -> Decimal | None:
    told = item.get("value")
    if told is None or told == "":
        return None
    try:
        if isinstance(told, bool) or not isinstance(told, str | int | float):
            raise InvalidOperation
        value = Decimal(str(told)[:40])
        if not value.is_finite() or not 0 <= value <= MAX_VALUE:
            raise InvalidOperation
        return value.quantize(Decimal("0.01"))
    except InvalidOperation as error:
        raise Refused(f"value is {told!r:.60}; give a price from 0 to {MAX_VALUE}") from error


def _currency(item: Mapping[str, Any]) -> str:
    told = item.get("currency") or ""
    if told and (not isinstance(told, str) or not _CURRENCY.fullmatch(told)):
        raise Refused(f"currency is {told!r:.60}; give three capitals such as EUR")
    return str(told)
