"""The person a shelf is for: who asks, what may be used of them, and what they did."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from logging import getLogger
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model
from django.http import HttpRequest

from similarity.catalog import times
from similarity.events import identity, partitions
from similarity.events.denied import denied_products
from similarity.events.history import read_history_and_refusals
from similarity.events.models import Kind, Profile
from similarity.exceptions import ConfigurationError, QueryError
from similarity.extension import first_known
from similarity.logs import log_error
from similarity.similar.hits import excluded_keys
from similarity.similar.planner_settings import local_settings
from similarity.similar.within import key_field

logger = getLogger(__name__)

#: The last events and purchases that are read; a model may read fewer.
MOST_EVENTS, MOST_PURCHASES = 100, 100
#: Most likes of a sign-up that are used.
MOST_LIKES = 50
#: Milliseconds for the host's own query of a user's purchases.
PURCHASES_MS = 200
#: Last products looked at that personal shelves leave out.
RECENT = 20
#: Attribute of a request: what its shopper did, by database.
_ATTRIBUTE = "_similarity_history"
#: Seconds to the next event where the time is not known.
UNKNOWN_GAP_S = -1.0


@dataclass(frozen=True)
class Shopper:
    """Who a shelf is for; without ``profile``, ``user`` and ``likes`` nothing is personal.

    ``profile``: their consent and events. ``user``: signed in, so that the host's orders count.
    ``likes``: keys given by the caller, for example at sign-up.
    """

    request: HttpRequest | None = None
    profile: Profile | None = None
    user: Any = None
    likes: Sequence[Any] = ()

    @property
    def wants_reasons(self) -> bool:
        return self.profile is None or self.profile.reasons


class Act(NamedTuple):
    """An event or a purchase. ``at``: None if the time is not known."""

    product: Any
    kind: int
    at: datetime | None


@dataclass(frozen=True)
class History:
    """What a shopper did. ``events``: latest first, without products they turned down.

    ``purchases``: lines of the host's orders, else the events of purchases, latest first.
    ``unwanted``: keys of products turned down.
    """

    events: Sequence[Act] = ()
    purchases: Sequence[Act] = ()
    unwanted: frozenset[Any] = field(default_factory=frozenset)

    @property
    def products(self) -> list[Any]:
        """Return the distinct keys, the latest first."""
        return list(dict.fromkeys(event.product for event in self.events))

    @property
    def bought(self) -> list[Any]:
        """Return the distinct keys of products bought, the latest first."""
        every = (*self.purchases, *(one for one in self.events if one.kind == Kind.PURCHASE))
        return list(dict.fromkeys(one.product for one in every))

    @property
    def viewed(self) -> list[Any]:
        """Return the distinct keys of products looked at, the latest first."""
        seen = (Kind.VIEW, Kind.CLICK)
        return list(dict.fromkeys(one.product for one in self.events if one.kind in seen))

    @property
    def left_out(self) -> list[Any]:
        """Return the keys that a personal shelf does not show."""
        return list({*self.bought, *self.viewed[:RECENT], *self.unwanted})

    def gaps_s(self) -> list[float]:
        """Return seconds from each event to the next, of the events oldest first."""
        begun = [event.at for event in reversed(self.events)]
        following = [*begun[1:], now()]
        return [
            UNKNOWN_GAP_S if at is None or then is None else max((then - at).total_seconds(), 0.0)
            for at, then in zip(begun, following, strict=True)
        ]


def shopper_of(who: Any, likes: Iterable[Any] = ()) -> Shopper:
    """Return the shopper behind a request, a user or a profile; None is an unknown shopper.

    A request that refuses (``Sec-GPC``, ``DNT``, the host's consent tool) or a profile without
    ``personal`` makes an unknown shopper. Raises :class:`QueryError` for anything else.
    """
    liked = excluded_keys(likes)[:MOST_LIKES]
    request = getattr(who, "_request", who)  # of REST framework
    if isinstance(request, HttpRequest):
        return _of_request(request, liked)
    if isinstance(who, Profile):
        return _allowed(Shopper(None, who, who.user, liked))
    if isinstance(who, get_user_model()):
        profile = Profile.objects.filter(user=who).first()
        return _allowed(Shopper(None, profile, who, liked))
    if who is None or isinstance(who, AnonymousUser):
        return Shopper(likes=liked)
    raise QueryError(
        f"who is {who!r:.80}; pass a request, a {settings.AUTH_USER_MODEL}, a profile or None."
    )


def _of_request(request: HttpRequest, likes: Sequence[Any]) -> Shopper:
    if not identity.may_remember(request):
        return Shopper(request)
    profile = identity.profile_of(request)
    user = getattr(request, "user", None)
    signed_in = isinstance(user, Model) and getattr(user, "is_authenticated", False)
    return _allowed(Shopper(request, profile, user if signed_in else None, likes))


def _allowed(shopper: Shopper) -> Shopper:
    if shopper.profile is not None and not shopper.profile.personal:
        return Shopper(shopper.request)
    return shopper


def read_shopper_history(shopper: Shopper, using: str) -> History:
    """Return what the shopper did; likes given by the caller count as their latest events.

    Runs one query for a profile, one for a user's purchases, and one if categories are denied;
    none for another shelf of the same request.
    """
    if shopper.request is None or shopper.likes:
        return _read_history(shopper, using)
    kept: dict[str, History] = vars(shopper.request).setdefault(_ATTRIBUTE, {})
    if using not in kept:
        kept[using] = _read_history(shopper, using)
    return kept[using]


def _read_history(shopper: Shopper, using: str) -> History:
    events: list[Act] = []
    unwanted: set[Any] = set()
    if shopper.profile is not None:
        written = partitions.alias()  # not a replica, so that the last click counts
        seen, unwanted = read_history_and_refusals(shopper.profile.pk, MOST_EVENTS, written)
        events = [Act(one.product, one.kind, times.aware(one.at)) for one in seen]
    ordered = _purchases(shopper.user, using) if shopper.user is not None else []
    told = [one for one in events if one.kind == Kind.PURCHASE]
    known = {one.product for one in told}
    likes = [Act(key, int(Kind.LIKE), now()) for key in shopper.likes]
    orders = [one for one in ordered if one.product not in known]
    every = [*likes, *merged(events, orders)]
    left = {one.product for one in (*every, *ordered)}
    hidden = _denied(left, using) | unwanted
    return History(
        [one for one in every if one.product not in hidden],
        [one for one in ordered or told if one.product not in hidden],
        frozenset(unwanted),
    )


def merged(events: Sequence[Act], orders: Sequence[Act]) -> list[Act]:
    """Return both, latest first; orders whose time is not known come last."""
    dated = [one for one in (*events, *orders) if one.at is not None]
    dated.sort(key=lambda one: one.at or now(), reverse=True)
    return [*dated, *(one for one in orders if one.at is None)]


def now() -> datetime:
    """Return the present time with its zone, in hosts with and without ``USE_TZ``."""
    return times.now()


def _purchases(user: Any, using: str) -> list[Act]:
    """Return the user's last purchases by the host's orders; [] if they cannot be read."""
    try:
        with local_settings(using, {"statement_timeout": str(PURCHASES_MS)}):
            none: Sequence[tuple[Any, Any]] = ()
            lines = first_known(lambda one: one.purchases(user, MOST_PURCHASES, using), none)
        return [Act(key_field().to_python(key), int(Kind.PURCHASE), at) for key, at in lines]
    except Exception as error:  # noqa: BLE001 - a door: a host's adapter may raise any error
        log_error(logger, error, "A personal shelf is made without the shopper's purchases.")
        return []


def _denied(keys: set[Any], using: str) -> set[Any]:
    """Return the keys of products in categories that are never used for a person.

    All of them if the catalogue cannot tell.
    """
    try:
        return denied_products(keys, using)
    except ConfigurationError as error:
        log_error(logger, error, "Personal shelves use no history.")
        return keys
