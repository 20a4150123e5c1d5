"""Make events of a row of a file, or say what is wrong with the row."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from similarity.events.imports.columns import kind_in_file
from similarity.events.models import Kind
from similarity.events.new_event import MAX_QUANTITY, MAX_QUERY, MAX_VALUE, PERSONAL
from similarity.exceptions import EventError

#: The most products of one row's ``items``.
MAX_ITEMS = 200
MAX_TEXT = 255
#: Clocks of other machines may be ahead by this much.
SKEW = timedelta(minutes=5)


class BadRow(EventError):
    """A row that gives no event; the message is the reason."""


class Parsed(NamedTuple):
    """An event as a file tells it; shopper and product by the file's own names."""

    line: int
    at: datetime
    kind: Kind
    visitor: str
    user: str
    product: str
    quantity: int
    value: Decimal | None
    currency: str
    query: str


class RowParser:
    """Parses rows in the order of ``Columns``. Times without a zone are in ``zone``."""

    def __init__(self, zone: tzinfo, now: datetime, kept_since: datetime) -> None:
        self._zone = zone
        self._latest = now + SKEW
        self._earliest = kept_since

    def parse(self, line: int, values: tuple[Any, ...]) -> Iterator[Parsed]:
        """Yield the events of a row: one for each product, none for a kind that is not kept.

        Raises :class:`BadRow`.
        """
        at, type_, visitor, user, product, quantity, value, currency, query, items = values
        kind = kind_in_file(text_of(type_))
        if kind is None:
            return
        moment = self._moment(at)
        who = text_of(visitor), text_of(user)
        money = _currency(currency)
        if kind is Kind.SEARCH:
            # No shopper: queries are not part of a profile.
            if words := _harmless(text_of(query)):
                yield Parsed(line, moment, kind, "", "", "", 1, None, "", words)
            return
        if not any(who):
            raise BadRow("has no shopper")
        for key, many, price in _products(product, quantity, value, items):
            if not key:
                raise BadRow("has no product")
            yield Parsed(line, moment, kind, *who, key, _count(many), _money(price), money, "")

    def _moment(self, value: Any) -> datetime:
        at = time_of(value, self._zone)
        if at > self._latest:
            raise BadRow(f"is of the future: {at:%Y-%m-%d %H:%M}")
        if at < self._earliest:
            raise BadRow("is older than EVENTS['RETENTION_DAYS']")
        return at


def time_of(value: Any, zone: tzinfo) -> datetime:
    """Return a time: ISO 8601, or seconds, milliseconds or microseconds since 1970."""
    try:
        if isinstance(value, datetime):
            at = value
        elif isinstance(value, int | float) or re.fullmatch(r"\d+(\.\d+)?", value):
            number = float(value)
            scale = 1e6 if number > 1e14 else 1e3 if number > 1e11 else 1
            return datetime.fromtimestamp(number / scale, UTC)
        else:
            at = datetime.fromisoformat(value.strip().replace(" UTC", "+00:00"))
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise BadRow(f"has no time: {str(value)[:40]!r}") from error
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=zone).astimezone(UTC)


def text_of(value: Any) -> str:
    """Return a cell as text; whole numbers that a table holds as 17.0 are 17."""
    if value is None or value != value:  # NaN
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).replace("\0", "").strip()[:MAX_TEXT]


def _products(product: Any, quantity: Any, value: Any, items: Any) -> list[tuple[str, Any, Any]]:
    """Return (key, quantity, price) of each product of a row."""
    if isinstance(items, str) and items.strip():
        try:
            items = json.loads(items)
        except (ValueError, RecursionError) as error:
            raise BadRow("has items that are not JSON") from error
    if isinstance(items, list) and items and not text_of(product):
        if len(items) > MAX_ITEMS or not all(isinstance(item, dict) for item in items):
            raise BadRow(f"has items that are not at most {MAX_ITEMS} products")
        return [
            (text_of(item.get("item_id")), item.get("quantity"), item.get("price"))
            for item in items
        ]
    return [(text_of(product), quantity, value)]


def _count(value: Any) -> int:
    try:
        return min(max(int(float(value or 1)), 1), MAX_QUANTITY)
    except (TypeError, ValueError, OverflowError):
        return 1


def _money(value: Any) -> Decimal | None:
    """Return a price; None if it is missing or no price, because the event counts without it."""
    try:
        price = Decimal(str(value))
        fits = price.is_finite() and 0 <= price <= MAX_VALUE
        return price.quantize(Decimal("0.01")) if fits else None
    except InvalidOperation:
        return None


def _currency(value: Any) -> str:
    code = text_of(value).upper()
    return code if re.fullmatch("[A-Z]{3}", code) else ""


def _harmless(query: str) -> str:
    return "" if PERSONAL.search(query) else query[:MAX_QUERY]
