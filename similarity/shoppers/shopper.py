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
from django.utils import timezone

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter
from similarity.events.history import not_interested, read_history
from similarity.events.models import Kind, Profile
from similarity.exceptions import QueryError
from similarity.extension import first_known
from similarity.logs import log_error
from similarity.similar.hits import excluded_keys
from similarity.similar.planner_settings import local_settings
from similarity.similar.within import key_field

logger = getLogger(__name__)

#: The last events and purchases that are read; a model may read fewer.
MOST_EVENTS, MOST_PURCHASES = 100, 50
#: Most likes of a sign-up that are used.
MOST_LIKES = 50
#: Milliseconds for the host's own query of a user's purchases.
PURCHASES_MS = 200
#: Last products looked at that personal shelves leave out.
RECENT = 20
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

    ``bought``: keys from events and from the host's orders, latest first. ``unwanted``: keys of
    products turned down.
    """

    events: Sequence[Act] = ()
    bought: Sequence[Any] = ()
    unwanted: frozenset[Any] = field(default_factory=frozenset)

    @property
    def products(self) -> list[Any]:
        """Return the distinct keys, the latest first."""
        return list(dict.fromkeys(event.product for event in self.events))

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
        times = [event.at for event in reversed(self.events)]
        following = [*times[1:], timezone.now()]
        return [
            UNKNOWN_GAP_S if at is None or then is None else max((then - at).total_seconds(), 0.0)
            for at, then in zip(times, following, strict=True)
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
    from similarity.events import identity

    if identity.refuses(request):
        return Shopper(request)
    profile = identity.profile_of(request)
    user = getattr(request, "user", None)
    signed_in = isinstance(user, Model) and getattr(user, "is_authenticated", False)
    return _allowed(Shopper(request, profile, user if signed_in else None, likes))


def _allowed(shopper: Shopper) -> Shopper:
    if shopper.profile is not None and not shopper.profile.personal:
        return Shopper(shopper.request)
    return shopper


def read_shopper_history(shopper: Shopper, adapter: CatalogAdapter, using: str) -> History:
    """Return what the shopper did; likes given by the caller count as their latest events.

    Runs two queries for a profile, one for a user's purchases, and one if categories are denied.
    """
    events: list[Act] = []
    unwanted: set[Any] = set()
    if shopper.profile is not None:
        seen = read_history(shopper.profile.pk, MOST_EVENTS, using)
        events = [Act(*event) for event in seen]
        unwanted = not_interested(shopper.profile.pk, using)
    ordered = _purchases(shopper.user, using) if shopper.user is not None else []
    known = {event.product for event in events if event.kind == Kind.PURCHASE}
    likes = [Act(key, int(Kind.LIKE), timezone.now()) for key in shopper.likes]
    orders = [Act(key, int(Kind.PURCHASE), None) for key in ordered if key not in known]
    every = [*likes, *events, *orders]
    denied = _denied({event.product for event in every}, adapter, using)
    every = [event for event in every if event.product not in denied | unwanted]
    bought = [event.product for event in events if event.kind == Kind.PURCHASE]
    return History(every, list(dict.fromkeys([*ordered, *bought])), frozenset(unwanted))


def _purchases(user: Any, using: str) -> list[Any]:
    """Return keys of the user's last purchases by the host's orders; [] if they cannot be read."""
    try:
        bought_by = first_known(lambda extension: extension.purchase_reader(), None)
        if bought_by is None:
            return []
        with local_settings(using, {"statement_timeout": str(PURCHASES_MS)}):
            keys = bought_by(user, MOST_PURCHASES, using)
        return [key_field().to_python(key) for key in keys]
    except Exception as error:  # noqa: BLE001 - a door: a host's adapter may raise any error
        log_error(logger, error, "A personal shelf is made without the shopper's purchases.")
        return []


def _denied(keys: set[Any], adapter: CatalogAdapter, using: str) -> set[Any]:
    """Return the keys of products whose categories are never used for a person."""
    categories = conf.get("EVENTS", "DENIED_CATEGORIES")
    denied = adapter.filter_by("category", categories) if categories and keys else None
    if denied is None:
        return set()
    products = adapter.model._base_manager.using(using).filter(denied, pk__in=keys)
    return set(products.values_list("pk", flat=True))
