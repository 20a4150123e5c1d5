"""The size of the backlog, found quickly at any size: for the admin and for Prometheus.

No query here counts more than :data:`EXACT` rows. Larger counts are the planner's estimates,
which follow the tables' real sizes.
"""

import json
from typing import Any, NamedTuple

from django.db.models import Count, Min, QuerySet
from django.db.models.functions import Now

from similarity.models import PendingProduct
from similarity.vectors import upsert

#: Rows that are counted exactly.
EXACT = 10_000


class Waiting(NamedTuple):
    """``states``: due, leased, backing_off, dead → products, estimated above :data:`EXACT`.

    ``lag_s``: seconds for which the longest waiting product has been due. ``oldest_s``: age of
    the oldest change that is not embedded, failed attempts included.
    """

    states: dict[str, int]
    lag_s: float
    oldest_s: float


class First(NamedTuple):
    """The rows that waited longest: how many, seconds due, seconds since the oldest was made."""

    rows: int
    lag_s: float
    age_s: float


def outbox() -> Waiting:
    """Return the present state of the outbox of products."""
    rows = PendingProduct.objects.using(upsert.alias())
    first = first_of(rows.waiting())
    waiting = first.rows if first.rows <= EXACT else planned(rows.waiting())
    leased, backing_off = about(rows.leased()), about(rows.backing_off())
    states = {
        "due": max(0, waiting - leased - backing_off),
        "leased": leased,
        "backing_off": backing_off,
        "dead": about(rows.dead()),
    }
    return Waiting(states, first.lag_s, first.age_s)


def first_of(rows: QuerySet[Any], most: int = EXACT + 1) -> First:
    """Return figures of the ``most`` rows that wait longest, which an index finds."""
    found = rows.order_by("available_at")[:most].aggregate(
        rows=Count("pk"), due=Now() - Min("available_at"), made=Now() - Min("created_at")
    )
    return First(
        found["rows"],
        max(0.0, found["due"].total_seconds()) if found["due"] else 0.0,
        max(0.0, found["made"].total_seconds()) if found["made"] else 0.0,
    )


def about(rows: QuerySet[Any]) -> int:
    """Return the number of rows, exact up to :data:`EXACT`."""
    counted = rows.order_by()[: EXACT + 1].count()
    return counted if counted <= EXACT else max(counted, planned(rows))


def planned(rows: QuerySet[Any]) -> int:
    """Return the rows the planner expects, from the table's present size and its statistics."""
    [plan] = json.loads(rows.order_by().values("pk").explain(format="json"))
    return int(plan["Plan"]["Plan Rows"])
