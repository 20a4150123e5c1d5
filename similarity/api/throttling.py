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

#: The scope of ``API["PICTURE_THROTTLE"]``.
PICTURES = "pictures"

#: Counts of this process, for while the cache keeps none.
_own = LocMemCache("similarity.throttle", {"OPTIONS": {"MAX_ENTRIES": 50_000}})


class ClientThrottle(SimpleRateThrottle):
    """So many requests of a client in each period, exactly, whatever is asked at once.

    The first period begins with a client's first request. What was asked in the period before
    counts in part in the next, so that no two periods meet in a burst. While the cache is down
    each process counts for itself.
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
        counted = caching.attempt(
            lambda: _count(caches[conf.get("CACHE", "ALIAS")], name, most, period_s)
        )
        if counted is None:
            counted = _count(_own, name, most, period_s)
        if counted is None:
            return False
        is_allowed, self._ends_at = counted
        return is_allowed

    def wait(self) -> float | None:
        return max(self._ends_at - time.time(), 1.0)


class AddressThrottle(ClientThrottle):
    """By address alone: neither a login nor the store of sessions is asked."""

    def get_ident(self, request: Request) -> str:
        return f"address:{address_of(request)}"


def rate_of(scope: str) -> str | None:
    """The configured rate of one scope; None where its requests are not limited."""
    if scope == PICTURES:
        return conf.get("API", "PICTURE_THROTTLE")
    configured = conf.get("API", "THROTTLE")
    if isinstance(configured, Mapping):
        return configured.get(scope, conf.default("API", "THROTTLE"))
    return configured


def _count(cache: Any, name: str, most: int, period_s: int) -> tuple[bool, float] | None:
    """(whether the request may pass, when the period ends); None where nothing is kept.

    The cache itself adds one to a period's key, so that no request is lost between reading and
    writing. Requests that are refused are taken off again: who asks too often keeps what the
    rate allows. Keys hold whole numbers, which no cache has to unpickle.
    """
    for _attempt in range(3):
        now_ms = int(1000 * time.time())
        try:
            began_ms = _period(cache, name, now_ms, 1000 * period_s)
            number = _next(cache, f"{name}:{began_ms}", period_s)
        except ValueError:
            cache.add(name, now_ms, timeout=2 * period_s)
            continue
        ends_at = began_ms / 1000 + period_s
        before = min(_read(cache, f"{name}:{began_ms - 1000 * period_s}"), most)
        left = min(max(1 - (now_ms - began_ms) / (1000 * period_s), 0), 1)
        if number + before * left <= most:
            return True, ends_at
        cache.decr(f"{name}:{began_ms}")
        return False, ends_at
    return None


def _period(cache: Any, name: str, now_ms: int, period_ms: int) -> int:
    """When the client's period began; raises ValueError where none has."""
    began_ms = int(cache.incr(name, 0))
    over = (now_ms - began_ms) // period_ms
    if over > 0:
        began_ms += over * period_ms
        cache.set(name, began_ms, timeout=2 * period_ms // 1000)
    return began_ms


def _next(cache: Any, counter: str, period_s: int) -> int:
    try:
        return int(cache.incr(counter))
    except ValueError:
        cache.add(counter, 0, timeout=3 * period_s)
        return int(cache.incr(counter))


def _read(cache: Any, counter: str) -> int:
    try:
        return int(cache.incr(counter, 0))
    except ValueError:
        return 0
