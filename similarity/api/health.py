"""Health for load balancers and orchestrators: not throttled, open to all, detail for staff."""

import threading
import time
from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from similarity.api.base import ApiView, Negotiation, is_staff
from similarity.api.serializers import HealthSerializer
from similarity.operations import health
from similarity.operations.health import HealthCheck

#: Seconds that a result of the checks holds: a flood of requests asks database and broker once.
KEPT_S = 1.0

_lock = threading.Lock()
_checked_at = -KEPT_S  # monotonic seconds
_found: dict[str, HealthCheck] = {}


class AnyFormat(Negotiation):
    """A probe that accepts nothing of ours is answered all the same."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class HealthView(ApiView):
    """Needs no login, and answers where the session's database does not."""

    content_negotiation_class = AnyFormat
    permission_classes = ()
    throttle_classes = ()
    http_method_names = ["get", "head", "options"]


class LiveView(HealthView):
    """Whether this process answers at all; nothing else is asked."""

    authentication_classes = ()

    @extend_schema(operation_id="health_live", tags=["health"], auth=[], responses=HealthSerializer)
    def get(self, request: Request) -> Response:
        return _uncached({"status": "ok", "checks": []}, 200)


class ReadyView(HealthView):
    """Whether database, index, broker, worker and outbox are as they should be."""

    def perform_authentication(self, request: Request) -> None:
        """Put off until after the checks: it reads the session, whose store may be down."""

    @extend_schema(
        operation_id="health_ready",
        tags=["health"],
        auth=[],  # a login only adds the detail
        responses={
            200: HealthSerializer,
            503: OpenApiResponse(HealthSerializer, "Something is not as it should be."),
        },
    )
    def get(self, request: Request) -> Response:
        checks = _recent_checks()
        staff = is_staff(request)
        data = [
            {"name": name, "ok": check.ok} | ({"detail": check.detail} if staff else {})
            for name, check in checks.items()
        ]
        ready = all(check.ok for check in checks.values())
        return _uncached(
            {"status": "ok" if ready else "unavailable", "checks": data}, 200 if ready else 503
        )


def _recent_checks() -> dict[str, HealthCheck]:
    """The checks, run by one thread of the process at a time; the others have its result."""
    global _checked_at, _found
    with _lock:
        if time.monotonic() - _checked_at >= KEPT_S:
            _found = health.checks()
            _checked_at = time.monotonic()
        return _found


def _uncached(data: dict[str, Any], status: int) -> Response:
    return Response(data, status=status, headers={"Cache-Control": "no-store"})
