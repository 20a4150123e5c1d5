"""Which client asks: the signed-in user, or the address.

An address is what the connection tells, and ``X-Forwarded-For`` only as far as the shop's own
proxies wrote it: REST framework's ``NUM_PROXIES`` says how many there are, and without it the
header is not read.
"""

import ipaddress
import logging
from typing import Any

from django.conf import settings
from django.http import HttpRequest

logger = logging.getLogger(__name__)

#: An IPv6 network that one customer of a provider usually has to themselves.
IPV6_PREFIX = 64

#: Requests are counted apart by these, so that suggestions do not use up the searches. They are
#: the keys of ``API_THROTTLE`` where it is a dict.
THROTTLE_SCOPES = ("shelves", "search", "suggest", "rerank", "batch", "metrics")

_told_of_proxy = False


def client_of(request: HttpRequest) -> str:
    """The user who is signed in, or the address; no user is ever called as an address is."""
    user: Any = getattr(request, "user", None)
    key = getattr(user, "pk", None)
    if key is not None and user.is_authenticated:
        return f"user:{type(user).__module__}.{type(user).__qualname__}:{key}"
    return f"address:{address_of(request)}"


def address_of(request: HttpRequest) -> str:
    """The client's address as the shop knows it; of IPv6 the network of 64 bits."""
    told = request.META.get("REMOTE_ADDR") or ""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR")
    proxies = number_of_proxies()
    if forwarded is not None and proxies is None:
        _tell_of_proxy(told)
    if forwarded is not None and proxies:
        addresses = forwarded.split(",")
        told = addresses[-min(proxies, len(addresses))]
    address = _parsed(told)
    if address is None:
        return told.strip()
    if address.version == 6:
        return str(ipaddress.ip_network((int(address), IPV6_PREFIX), strict=False))
    return str(address)


def number_of_proxies() -> int | None:
    """``REST_FRAMEWORK["NUM_PROXIES"]``; None where the host does not say."""
    configured: int | None = (getattr(settings, "REST_FRAMEWORK", None) or {}).get("NUM_PROXIES")
    return configured


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, also with a port or a zone; IPv4 that is written as IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _tell_of_proxy(address: str) -> None:
    """Warn once: behind a proxy every shopper would have its address, and one limit."""
    global _told_of_proxy
    parsed = _parsed(address)
    if _told_of_proxy or (parsed is not None and not parsed.is_private):
        return
    _told_of_proxy = True
    logger.warning(
        "A request came with X-Forwarded-For from %r, which may be a proxy of the shop: then all "
        "clients behind it share one rate limit. If it is one, set "
        "REST_FRAMEWORK = {'NUM_PROXIES': 1}.",
        address,
    )
