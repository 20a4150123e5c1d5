"""Write events: one statement for a batch, once for a key, within a shopper's bound.

The statement locks the profile's row, so that an erasure comes wholly before or wholly after it;
remembers the batch's key, so that a repeated batch adds nothing; and counts what the shopper sent
in this minute, by the database's clock. It commits before the caller is answered, so what was
accepted survives any kill.
"""

import logging
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError
from psycopg.errors import CheckViolation

from similarity import conf
from similarity.catalog.adapter import get_adapter
from similarity.catalog.times import aware
from similarity.events import partitions
from similarity.events.denied import denied_products
from similarity.events.identity import consents_by_tool, give_consent, profile_of
from similarity.events.models import Kind, Profile
from similarity.events.models.profiles import random_key
from similarity.events.new_event import NewEvent
from similarity.exceptions import ConfigurationError, QueryError
from similarity.logs import log_error
from similarity.models.vectors import key_type
from similarity.similar.planner_settings import fetch_under, savepoint
from similarity.similar.within import database_keys, key_of

logger = logging.getLogger(__name__)

#: The most writes at once of this process; one more is refused at once, so that none waits long.
AT_ONCE = 4
#: The most milliseconds a write may take, and wait for a lock: of a client, and of a page.
CLIENT_MS, PAGE_MS = 1_000, 50
#: How long a batch's key is remembered.
KEY_DAYS = 7
#: Clocks of the shop's other servers may be ahead by this much.
AHEAD = timedelta(minutes=5)

_writers = threading.BoundedSemaphore(AT_ONCE)

# The bound is counted in the profile and not from the events: a client chooses their times, and a
# search has no profile. Simultaneous batches of a shopper wait for each other, so that each counts
# those before it.
_WRITE = """
    WITH shopper AS (
        SELECT id FROM similarity_profile WHERE id = %(profile)s FOR NO KEY UPDATE
    ), batch AS (
        INSERT INTO similarity_eventbatch (key, expires_at)
        SELECT %(key)s::uuid, statement_timestamp() + make_interval(days => %(key_days)s)
        FROM shopper ON CONFLICT (key) DO NOTHING RETURNING 1
    ), minute AS (
        UPDATE similarity_profile AS profile SET
            minute_began = CASE WHEN profile.minute_began > statement_timestamp() - %(minute)s
                                THEN profile.minute_began ELSE statement_timestamp() END,
            in_minute = CASE WHEN profile.minute_began > statement_timestamp() - %(minute)s
                             THEN profile.in_minute ELSE 0 END + %(events)s
        FROM batch WHERE profile.id = %(profile)s
        RETURNING in_minute - %(events)s AS before
    ), written AS (
        INSERT INTO similarity_event (at, id, profile_id, kind, product_id, quantity, value,
                                      currency, query, token, by_server)
        SELECT at, new.id, CASE WHEN kind <> %(search)s THEN shopper.id END, kind, product,
               quantity, value, currency, query, token, %(by_server)s
        FROM shopper, minute, unnest(
            %(at)s::timestamptz[], %(id)s::bigint[], %(kind)s::smallint[],
            %(product)s::{key_type}[], %(quantity)s::int[], %(value)s::numeric[],
            %(currency)s::text[], %(query)s::text[], %(token)s::text[], %(place)s::int[]
        ) AS new(at, id, kind, product, quantity, value, currency, query, token, place)
        WHERE minute.before + place < %(most)s
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM shopper), (SELECT count(*) FROM batch),
           (SELECT count(*) FROM written)
"""


class Busy(Exception):
    """The process writes as many events as it may at once."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch. ``known``: it was written before, so nothing was added now."""

    rows: int
    known: bool = False


def record(
    request: Any,
    kind: str | Kind,
    product: Any = None,
    *,
    quantity: int = 1,
    value: Decimal | float | str | None = None,
    currency: str = "",
    query: str = "",
    token: str = "",
    at: datetime | None = None,
) -> bool:
    """Keep an event that the shop's own server saw; return True if it was kept.

    ``kind``: ``view``, ``add_to_cart``, ``purchase`` … Never raises and takes at most
    :data:`PAGE_MS`, because a page or a checkout must not fail for it. Without consent nothing is
    kept. Call it after the transaction that it tells of, or the event goes with a rollback.
    ``at``: when it happened, without it now.
    """
    try:
        profile = _consenting(request)
        if profile is None:
            return False
        # An error of any query, also of the adapter's, leaves the page's transaction usable.
        with savepoint(partitions.alias()):
            event = NewEvent(
                _kind(kind),
                _time(at),
                None if product is None else key_of(product),
                quantity,
                _price(value),
                currency,
                query,
                token,
            )
            if event.product is not None and not allowed_products([event.product], request):
                return False
            written = write(profile, [event], uuid.uuid4(), by_server=True, most_ms=PAGE_MS)
            return written.rows > 0
    except Exception as error:  # noqa: BLE001 - a door: the host's page goes on
        log_error(logger, error, "An event was not kept: %s", ascii(kind)[:40])
        return False


def _consenting(request: Any) -> Profile | None:
    """Return the profile; made now if the shop's consent tool says yes to a signed-in shopper.

    An anonymous shopper needs a cookie first, which only the API's answer can set.
    """
    profile = profile_of(request)
    signed_in = getattr(getattr(request, "user", None), "is_authenticated", False)
    if profile is None and signed_in and consents_by_tool(request):
        profile, _token = give_consent(request)
    return profile


def _kind(kind: str | Kind) -> Kind:
    if isinstance(kind, Kind):
        return kind
    try:
        return Kind[str(kind).upper()]
    except KeyError as error:
        names = ", ".join(one.name.lower() for one in Kind)
        raise QueryError(f"the kind of event is {kind!r:.40}; choose one of {names}.") from error


def _time(at: datetime | None) -> datetime:
    """Return an aware time within the retention: an older one would need a month long dropped."""
    now = datetime.now(UTC)
    if at is None:
        return now
    days = conf.get("EVENTS", "RETENTION_DAYS")
    if not now - timedelta(days=days) <= aware(at) <= now + AHEAD:
        raise QueryError(f"at is {at}; give a time of the last {days} days.")
    return min(aware(at), now)


def _price(value: Decimal | float | str | None) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation as error:
        raise QueryError(f"value is {value!r:.60}; give a price such as 9.50.") from error


def allowed_products(keys: Sequence[Any], request: Any) -> set[Any]:
    """Return those of ``keys`` whose events may be kept: published, and of no denied category."""
    viewable = get_adapter().viewable(getattr(request, "_request", request))
    products = viewable.filter(pk__in=list(keys)).order_by()
    allowed = set(products.values_list("pk", flat=True))
    try:
        return allowed - denied_products(allowed, partitions.alias())
    except ConfigurationError as error:  # what is denied is not known, so nothing is kept
        log_error(logger, error, "No event is kept: %s", error)
        return set()


def write(
    profile: Profile,
    events: Sequence[NewEvent],
    key: uuid.UUID,
    *,
    by_server: bool = False,
    most_ms: int = CLIENT_MS,
) -> Written:
    """Write the events of one shopper, all of them or none; nothing if ``key`` is known.

    Events beyond ``EVENTS["PER_MINUTE"]`` are left out. Raises :class:`Busy` if this process
    writes too much already, and the database's errors; then nothing was written.
    """
    using = partitions.alias()
    with _writer():
        try:
            return _write(profile, events, key, by_server, most_ms, using)
        except IntegrityError as error:
            if not _lacks_partition(error):
                # Its text is the whole row, profile included, and would stand in the log.
                raise QueryError("the database refuses a value of the events.") from None
            # Beat was down for long, or the event is old.
            for month in {partitions.month_of(event.at) for event in events}:
                partitions.create(month, month, using)
            return _write(profile, events, key, by_server, most_ms, using)


def _lacks_partition(error: IntegrityError) -> bool:
    """Return True if no partition takes a row: a check without the name of a constraint."""
    cause = error.__cause__
    return isinstance(cause, CheckViolation) and cause.diag.constraint_name is None


@contextmanager
def _writer() -> Iterator[None]:
    if not _writers.acquire(blocking=False):
        raise Busy
    try:
        yield
    finally:
        _writers.release()


def _write(
    profile: Profile,
    events: Sequence[NewEvent],
    key: uuid.UUID,
    by_server: bool,
    most_ms: int,
    using: str,
) -> Written:
    columns: dict[str, Any] = {
        name: [getattr(event, name) for event in events]
        for name in ("at", "quantity", "value", "currency", "query", "token")
    }
    values = {
        **columns,
        "kind": [int(event.kind) for event in events],
        "product": _database_keys([event.product for event in events], using),
        "id": [random_key() for _event in events],
        "place": list(range(len(events))),
        "profile": profile.pk,
        "key": key,
        "key_days": KEY_DAYS,
        "minute": timedelta(minutes=1),
        "events": len(events),
        "most": int(conf.get("EVENTS", "PER_MINUTE")),
        "search": int(Kind.SEARCH),
        "by_server": by_server,
    }
    limits = {"statement_timeout": str(most_ms), "lock_timeout": str(most_ms)}
    with savepoint(using):
        rows = fetch_under(using, limits, _WRITE.format(key_type=key_type(using)), values)  # type: ignore[arg-type]
    shoppers, batches, written = rows[0]
    return Written(written, known=bool(shoppers and not batches))


def _database_keys(keys: Sequence[Any], using: str) -> list[Any]:
    """Return keys as the database has them; None stays None."""
    known = [key for key in keys if key is not None]
    prepared = dict(zip(known, database_keys(known, using), strict=True))
    return [None if key is None else prepared[key] for key in keys]
