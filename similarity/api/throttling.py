"""The API's own rate limit, apart from the host's own throttles."""

from functools import partial

from django.core.cache import caches
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from similarity import conf
from similarity.connections import caching


class ClientThrottle(SimpleRateThrottle):
    """``API_THROTTLE`` requests per client: the user, or the address of one not logged in."""

    scope = "similarity"

    def __init__(self) -> None:
        self.cache = caches[conf.get("CACHE")]
        super().__init__()

    def get_rate(self) -> str | None:
        return conf.get("API_THROTTLE")

    def get_cache_key(self, request: Request, view: APIView) -> str:
        user = request.user
        ident = user.pk if user and user.is_authenticated else self.get_ident(request)
        return self.cache_format % {"scope": self.scope, "ident": ident}

    def allow_request(self, request: Request, view: APIView) -> bool:
        """A cache that is down must not take the API down: then nobody is throttled."""
        return bool(caching.attempt(partial(super().allow_request, request, view), otherwise=True))
