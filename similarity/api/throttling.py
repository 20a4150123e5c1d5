"""The API's own rate limit, apart from the host's own throttles."""

import time
from collections.abc import Mapping
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from similarity import conf
from similarity.connections import caching
from similarity.connections.clients import address_of, client_of

#: The scope of ``API_IMAGE_THROTTLE``.
PICTURES = "pictures"

#: Counts of this process, for while the cache keeps none.
_own = LocMemCache("similarity.throttle", {"OPTIONS": {"MAX_ENTRIES": 50_000}})


class ClientThrottle(SimpleRateThrottle):
    """So many requests of a client in each period, exactly, whatever is asked at once.

    A period begins with a client's first request. While the cache is down each process counts
    for itself.
    """

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self._ends_at = 0.0
        super().__init__()

    def get_rate(self) -> str | None:
        return rate_of(str(self.scope))

    def get_ident(self, request: Request) -> str:
        return client_of(request)

    def allow_request(self, request: Request, view: APIView | None) -> bool:
        if self.rate is None:
            return True
        most, period_s = (int(part or 0) for part in self.parse_rate(self.rate))
        name = caching.key("throttle", self.scope, self.rate, self.get_ident(request))
        counted = caching.attempt(lambda: _count(caches[conf.get("CACHE")], name, period_s))
        if counted is None:
            counted = _count(_own, name, period_s)
        if counted is None:
            return False
        number, self._ends_at = counted
        return bool(number <= most)

    def wait(self) -> float | None:
        return max(self._ends_at - time.time(), 1.0)


class AddressThrottle(ClientThrottle):
    """By address alone: neither a login nor the store of sessions is asked."""

    def get_ident(self, request: Request) -> str:
        return f"address:{address_of(request)}"


def rate_of(scope: str) -> str | None:
    """The configured rate of one scope; None where its requests are not limited."""
    if scope == PICTURES:
        return conf.get("API_IMAGE_THROTTLE")
    configured = conf.get("API_THROTTLE")
    if isinstance(configured, Mapping):
        return configured.get(scope, conf.DEFAULTS["API_THROTTLE"])
    return configured


def _count(cache: Any, name: str, period_s: float) -> tuple[int, float] | None:
    """(which request of the period this is, when the period ends); None where nothing is kept.

    The first request adds the start of the period, in milliseconds. The count is a key of its
    own that the cache adds to, so that no request is lost between reading and writing.
    """
    for _attempt in range(3):
        try:
            began_ms = cache.incr(name, 0)
            number = _next(cache, f"{name}:{began_ms}", period_s)
        except ValueError:
            cache.add(name, int(1000 * time.time()), timeout=period_s)
            continue
        return number, began_ms / 1000 + period_s
    return None


def _next(cache: Any, counter: str, period_s: float) -> int:
    try:
        return int(cache.incr(counter))
    except ValueError:
        cache.add(counter, 0, timeout=2 * period_s)
        return int(cache.incr(counter))
