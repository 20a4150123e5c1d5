"""Refuse requests that a page of another site makes a browser send, cookies or not."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from rest_framework.exceptions import PermissionDenied


def require_same_site(request: Any) -> None:
    """Raise ``PermissionDenied`` if a page of another site sent the request.

    Browsers tell it by ``Sec-Fetch-Site`` or ``Origin``. A request without either comes from an
    app or a server, which no other site can make send a shopper's cookie. Hosts of
    ``CSRF_TRUSTED_ORIGINS`` may send.
    """
    origin = request.META.get("HTTP_ORIGIN")
    site = request.META.get("HTTP_SEC_FETCH_SITE")
    if origin is not None and (_is_own(request, origin) or _is_trusted(origin)):
        return
    if origin is None and site in (None, "same-origin", "none"):
        return
    raise PermissionDenied(
        "The request comes from a page of another site; "
        "add its address to CSRF_TRUSTED_ORIGINS if it is yours."
    )


def _is_own(request: Any, origin: str) -> bool:
    return origin == f"{'https' if request.is_secure() else 'http'}://{request.get_host()}"


def _is_trusted(origin: str) -> bool:
    """Return True for an entry of ``CSRF_TRUSTED_ORIGINS``, also ``https://*.example.com``."""
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        asked = urlsplit(origin)
    except ValueError:
        return False
    for trusted in settings.CSRF_TRUSTED_ORIGINS:
        scheme, _separator, host = trusted.partition("://")
        if host.startswith("*") and scheme == asked.scheme and asked.netloc.endswith(host[1:]):
            return True
    return False
