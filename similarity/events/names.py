"""Names of events and of their fields: ours, and those of Google Analytics 4 and Segment."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from similarity.events.models import Kind


class Names(NamedTuple):
    """What other tools call a kind of event."""

    ga4: tuple[str, ...] = ()
    segment: tuple[str, ...] = ()


NAMES: dict[Kind, Names] = {
    Kind.VIEW: Names(("view_item",), ("Product Viewed",)),
    Kind.CLICK: Names(("select_item",), ("Product Clicked",)),
    Kind.ADD_TO_CART: Names(("add_to_cart",), ("Product Added",)),
    Kind.PURCHASE: Names(("purchase",), ("Order Completed",)),
    Kind.SEARCH: Names(("search", "view_search_results"), ("Products Searched",)),
    Kind.IMPRESSION: Names(("view_item_list",), ("Product List Viewed",)),
    Kind.LIKE: Names(("add_to_wishlist",), ("Product Added to Wishlist",)),
    Kind.DISLIKE: Names(),
    Kind.NOT_INTERESTED: Names(),
}

#: Field → the names that Google Analytics 4 and Segment have for it. An item's fields may also
#: stand in the event itself.
FIELDS: dict[str, tuple[str, ...]] = {
    "type": ("event", "event_name"),
    "product": ("item_id", "product_id", "id", "sku"),
    "products": ("items",),
    "quantity": (),
    "value": ("price",),
    "currency": (),
    "query": ("search_term",),
    "at": ("timestamp", "originalTimestamp"),
}


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


_KINDS: dict[str, Kind] = {kind.name.lower(): kind for kind in Kind} | {
    _plain(name): kind for kind, names in NAMES.items() for name in (*names.ga4, *names.segment)
}


def kind_of(name: str) -> Kind | None:
    """Return the kind of event that a tool calls ``name``; None for an unknown name."""
    return _KINDS.get(_plain(name))


def name_of(kind: int) -> str:
    """Return the name of a kind as the API writes it, ``add_to_cart``."""
    return Kind(kind).name.lower()


def translate(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event with our own names of fields; Segment's ``properties`` are flattened."""
    properties = event.get("properties", event.get("params", event.get("ecommerce")))
    told = {**event, **(properties if isinstance(properties, Mapping) else {})}
    if told.get("type") == "track":  # Segment's call, whose own name of the event is ``event``
        told["type"] = told.get("event")
    found = {name: told[name] for name in (*FIELDS, "token") if name in told}
    for field, others in FIELDS.items():
        for other in others:
            if field not in found and other in told:
                found[field] = told[other]
    return found


def items_of(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the products of a translated event, each with its own quantity, value and currency.

    Raises :class:`TypeError` if the products are neither a list nor a single key.
    """
    products: Any = event.get("products", event.get("product"))
    if products is None:
        return []
    if isinstance(products, str | int):
        products = [products]
    if not isinstance(products, Sequence):
        raise TypeError(products)
    own = {name: event[name] for name in ("quantity", "value", "currency") if name in event}
    if len(products) > 1:  # the value of a whole order is not the price of each product
        own.pop("value", None)
    return [
        {**own, **translate(one)} if isinstance(one, Mapping) else {**own, "product": one}
        for one in products
    ]
