"""``metrics/``: metrics for Prometheus, open to staff and to holders of the token."""

import hmac

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from similarity import conf
from similarity.api import gauges
from similarity.api.base import is_staff
from similarity.api.health import HealthView
from similarity.api.throttling import AddressThrottle
from similarity.connections import metrics_export


class MetricsView(HealthView):
    """Left out of the OpenAPI, because shops do not call it; see ``docs/operations.md``.

    The metrics reveal the size of the catalogue and the shop's traffic. So only staff and clients
    that send ``Authorization: Bearer`` with ``SIMILARITY["MONITORING"]["TOKEN"]`` may read them.
    """

    http_method_names = ["get", "head"]

    def get_throttles(self) -> list[BaseThrottle]:
        return [AddressThrottle("metrics")]

    def perform_authentication(self, request: Request) -> None:
        """Postpone it, because the token needs no login."""

    def get_authenticate_header(self, request: Request) -> str:
        return "Bearer"

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        if not _has_token(request) and not is_staff(request):
            raise exceptions.NotAuthenticated(
                "Metrics are for staff, and for clients that send "
                "SIMILARITY['MONITORING']['TOKEN'] as 'Authorization: Bearer …'."
            )
        if not metrics_export.available():
            return HttpResponse(
                "Metrics need prometheus_client: pip install 'django-similarity[metrics]'.\n",
                status=501,
                content_type="text/plain; charset=utf-8",
            )
        return HttpResponse(
            metrics_export.text(gauges.read()),
            content_type=metrics_export.CONTENT_TYPE,
            headers={"Cache-Control": "no-store"},
        )


def _has_token(request: Request) -> bool:
    """Return True if the request has the token, compared in constant time; False without a
    token."""
    token = conf.get("MONITORING", "TOKEN")
    scheme, _space, sent = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if not token or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(sent.strip().encode(), token.encode())
