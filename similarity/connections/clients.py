"""The client of a request: the signed-in user, or the address.

The address is the connection's. ``X-Forwarded-For`` counts only as far as the shop's own proxies
wrote it: REST framework's ``NUM_PROXIES`` is their number, and without it the header is not read.
"""

import ipaddress
import logging
from typing import Any

from django.conf import settings
from django.http import HttpRequest

logger = logging.getLogger(__name__)

#: An IPv6 network that a provider usually gives to a single customer.
IPV6_PREFIX = 64

_told_of_proxy = False


def client_of(request: HttpRequest) -> str:
    """Return the signed-in user, or the address; the prefixes keep the two apart."""
    user: Any = getattr(request, "user", None)
    key = getattr(user, "pk", None)
    if key is not None and user.is_authenticated:
        return f"user:{type(user).__module__}.{type(user).__qualname__}:{key}"
    return f"address:{address_of(request)}"


def address_of(request: HttpRequest) -> str:
    """Return the client's address as the shop knows it; for IPv6 the network of 64 bits."""
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
    """Return ``REST_FRAMEWORK["NUM_PROXIES"]``; None if the host does not set it."""
    configured: int | None = (getattr(settings, "REST_FRAMEWORK", None) or {}).get("NUM_PROXIES")
    return configured


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an address, also with a port or a zone; IPv4 that is written as IPv6 is IPv4."""
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
    """Warn once, because behind a proxy all shoppers would share its address and one limit."""
    global _told_of_proxy
    parsed = _parsed(address)
    if _told_of_proxy or (parsed is not None and not parsed.is_private):
        return
    _told_of_proxy = True
    logger.warning(
        "A request came with X-Forwarded-For from %r, which may be a proxy of the shop: then all "
        "clients behind it share one rate limit. If it is a proxy, set "
        "REST_FRAMEWORK = {'NUM_PROXIES': 1}.",
        address,
    )
