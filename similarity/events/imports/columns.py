"""Recognise the columns of a file of events, and the kinds that it names in its own way."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from similarity.events.models import Kind
from similarity.events.names import kind_of
from similarity.exceptions import EventError

#: What a column may hold, with the names under which it is known; the first name found counts.
KNOWN: dict[str, tuple[str, ...]] = {
    "at": ("at", "event_time", "event_timestamp", "timestamp", "datetime", "time", "ts"),
    "type": ("type", "event_type", "event_name", "event"),
    "visitor": (
        *("visitor", "visitor_id", "visitorid", "user_pseudo_id", "anonymous_id"),
        *("session", "session_id", "user_session"),
    ),
    "user": ("user", "user_id"),
    "product": ("product", "product_id", "item_id", "itemid", "items.item_id", "aid", "sku"),
    "quantity": ("quantity", "items.quantity"),
    "value": ("value", "price", "items.price"),
    "currency": ("currency",),
    "query": ("query", "search_term"),
    "items": ("items",),
}

#: Names of kinds in files, beside those of the API: OTTO's, REES46's and RetailRocket's.
OF_FILES = {
    "clicks": Kind.VIEW,  # of a product's page, not of a link in a list
    "cart": Kind.ADD_TO_CART,
    "carts": Kind.ADD_TO_CART,
    "addtocart": Kind.ADD_TO_CART,
    "order": Kind.PURCHASE,
    "orders": Kind.PURCHASE,
    "transaction": Kind.PURCHASE,
}


class Columns(NamedTuple):
    """The name of the column that holds each value; None for a value that the file lacks."""

    at: str
    type: str
    visitor: str | None
    user: str | None
    product: str | None
    quantity: str | None
    value: str | None
    currency: str | None
    query: str | None
    items: str | None


def choose(names: Sequence[str], given: Mapping[str, str]) -> Columns:
    """Return the columns of a file with these names; ``given`` names some of them itself.

    Raises :class:`EventError` for a file that lacks one, with the remedy.
    """
    for value, name in given.items():
        if value not in KNOWN:
            raise EventError(f"--column {value}={name}: choose one of {', '.join(KNOWN)}.")
        if name not in names:
            raise EventError(f"--column {value}={name}: the file has only {', '.join(names)}.")
    by_name = {name.lower(): name for name in reversed(names)}
    found: dict[str, Any] = {
        value: given.get(value) or next((by_name[n] for n in known if n in by_name), None)
        for value, known in KNOWN.items()
    }
    if _is_rees46(by_name) and "user" not in given and "visitor" not in given:
        # Its user_id is REES46's own number of a visitor, and no account of the shop.
        found |= {"visitor": found["user"], "user": None}
    for value, enough in _NEEDED.items():
        if not any(found[one] for one in enough):
            raise EventError(
                f"No column holds the {value}: the file has {', '.join(names)}. Name it by "
                f"--column {enough[0]}=NAME."
            )
    return Columns(**found)


_NEEDED = {
    "time": ("at",),
    "type of event": ("type",),
    "product": ("product", "items"),
    "shopper": ("visitor", "user"),
}


def _is_rees46(names: Mapping[str, str]) -> bool:
    return {"user_id", "user_session", "event_time", "category_code"} <= names.keys()


def kind_in_file(name: str) -> Kind | None:
    """Return the kind that a file's name of an event stands for; None if it is of no use."""
    return kind_of(name) or OF_FILES.get(name.strip().lower())
