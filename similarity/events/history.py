"""Read what a shopper did: one query by the index (profile, time), whatever is in the table."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import connections

from similarity.events.models import Event, Kind
from similarity.similar.within import key_field

#: Kinds that make up a history: what a shopper looked at, wanted and bought.
SEQUENCE_KINDS = (Kind.VIEW, Kind.CLICK, Kind.ADD_TO_CART, Kind.PURCHASE, Kind.LIKE)

#: Kinds by which a shopper turns a product down.
REFUSALS = (Kind.DISLIKE, Kind.NOT_INTERESTED)

#: The most events that :func:`read_last` reads to find distinct products, so that its cost does
#: not grow with a shopper who looks at one product again and again.
MOST_READ = 1_000

_LAST = """
    SELECT product_id FROM (
        SELECT product_id, at FROM similarity_event
        WHERE profile_id = %s AND kind = %s AND product_id IS NOT NULL
        ORDER BY at DESC LIMIT %s
    ) AS latest
    GROUP BY product_id ORDER BY max(at) DESC LIMIT %s
"""
_REFUSED = """
    SELECT product_id FROM (
        SELECT DISTINCT ON (product_id) product_id, kind FROM similarity_event
        WHERE profile_id = %s AND kind IN (7, 8, 9) AND product_id IS NOT NULL
        ORDER BY product_id, at DESC
    ) AS opinion
    WHERE kind = ANY(%s)
"""
_WITH_REFUSALS = f"""
    (SELECT product_id, kind, at FROM similarity_event
    WHERE profile_id = %s AND kind = ANY(%s) AND product_id IS NOT NULL
    ORDER BY at DESC LIMIT %s)
    UNION ALL
    (SELECT product_id, NULL, NULL FROM ({_REFUSED}) AS refused)
"""  # noqa: S608 - a constant


class Seen(NamedTuple):
    """An event of a shopper with a product."""

    product: Any  # the product's key, of the model's own type
    kind: int
    at: datetime


def read_history(
    profile_id: int, most: int, using: str, kinds: tuple[int, ...] = SEQUENCE_KINDS
) -> list[Seen]:
    """Return the last ``most`` events of a shopper with products, latest first.

    Products that the host deleted or hid since may be among them.
    """
    events = Event.objects.using(using).filter(
        profile_id=profile_id, kind__in=kinds, product__isnull=False
    )
    rows = events.order_by("-at").values_list("product_id", "kind", "at")
    return [Seen(*row) for row in rows[:most]]


def read_history_and_refusals(
    profile_id: int, most: int, using: str, kinds: tuple[int, ...] = SEQUENCE_KINDS
) -> tuple[list[Seen], set[Any]]:
    """Return :func:`read_history` and :func:`not_interested` by one query."""
    with connections[using].cursor() as cursor:
        cursor.execute(_WITH_REFUSALS, [profile_id, list(kinds), most, profile_id, list(REFUSALS)])
        rows = [(key_field().to_python(key), kind, at) for key, kind, at in cursor.fetchall()]
    seen = [Seen(*row) for row in rows if row[1] is not None]
    seen.sort(key=lambda event: event.at, reverse=True)
    return seen, {key for key, kind, _at in rows if kind is None}


def read_last(profile_id: int, kind: int, most: int, using: str) -> list[Any]:
    """Return the keys of the last ``most`` distinct products of a kind of event, latest first.

    Of a shopper with more than :data:`MOST_READ` events of that kind, only the latest count.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(_LAST, [profile_id, kind, MOST_READ, most])
        return [key_field().to_python(key) for (key,) in cursor.fetchall()]


def not_interested(profile_id: int, using: str) -> set[Any]:
    """Return the keys of products that the shopper turned down and did not like afterwards."""
    with connections[using].cursor() as cursor:
        cursor.execute(_REFUSED, [profile_id, list(REFUSALS)])
        return {key_field().to_python(key) for (key,) in cursor.fetchall()}
