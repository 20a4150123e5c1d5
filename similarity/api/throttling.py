"""The API's own rate limit, separate from the host's throttles."""

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

#: Counts of this process, while the cache is down.
_own = LocMemCache("similarity.throttle", {"OPTIONS": {"MAX_ENTRIES": 50_000}})


class ClientThrottle(SimpleRateThrottle):
    """An exact limit of requests of a client in each period, also for simultaneous requests.

    The first period begins with a client's first request. Requests of the previous period count
    partly in the next, so that a client cannot send two bursts around its end. While the cache is
    down, each process counts by itself.
    """

    #: True: each process counts by itself, and nothing of the client is in the cache.
    in_process = False

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
        counted = None
        if not self.in_process:
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
    """A limit by address alone, which reads neither a login nor the session store."""

    def get_ident(self, request: Request) -> str:
        return f"address:{address_of(request)}"


def rate_of(scope: str) -> str | None:
    """Return the configured rate of one scope; None if its requests are not limited."""
    if scope == PICTURES:
        return conf.get("API", "PICTURE_THROTTLE")
    configured = conf.get("API", "THROTTLE")
    if isinstance(configured, Mapping):
        return configured.get(scope, conf.default("API", "THROTTLE"))
    return configured


def _count(cache: Any, name: str, most: int, period_s: int) -> tuple[bool, float] | None:
    """Return (True if the request may pass, end of the period); None if no count can be stored.

    The cache itself increments a period's key, so that no request is lost between reading and
    writing. Refused requests are subtracted again, so that a client that asks too often keeps its
    allowed rate. Keys hold whole numbers, because a cache need not unpickle them.
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
    """Return when the client's period began; raise ValueError if it has no period."""
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
