"""Health for load balancers and orchestrators: unthrottled, open to all, detail for staff."""

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

#: Seconds that a result is reused, so that a flood of requests checks database and broker once.
KEPT_S = 1.0

_lock = threading.Lock()
_checked_at = -KEPT_S  # monotonic seconds
_found: dict[str, HealthCheck] = {}


class AnyFormat(Negotiation):
    """Answers a probe even if it accepts no format of this API."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class HealthView(ApiView):
    """Needs no login, and answers even if the session's database is down."""

    content_negotiation_class = AnyFormat
    permission_classes = ()
    throttle_classes = ()
    http_method_names = ["get", "head", "options"]


class LiveView(HealthView):
    """This process answers; no other check runs."""

    authentication_classes = ()

    @extend_schema(operation_id="health_live", tags=["health"], auth=[], responses=HealthSerializer)
    def get(self, request: Request) -> Response:
        return _uncached({"status": "ok", "checks": []}, 200)


class ReadyView(HealthView):
    """The state of database, index, broker, worker and outbox."""

    def perform_authentication(self, request: Request) -> None:
        """Postpone it until after the checks, because the session store may be down."""

    @extend_schema(
        operation_id="health_ready",
        tags=["health"],
        auth=[],  # a login only adds the detail
        responses={
            200: HealthSerializer,
            503: OpenApiResponse(HealthSerializer, "At least one check fails."),
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
    """Return the checks; a single thread of the process runs them for all others."""
    global _checked_at, _found
    with _lock:
        if time.monotonic() - _checked_at >= KEPT_S:
            _found = health.checks()
            _checked_at = time.monotonic()
        return _found


def _uncached(data: dict[str, Any], status: int) -> Response:
    return Response(data, status=status, headers={"Cache-Control": "no-store"})
