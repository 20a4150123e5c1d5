"""Photos named by an address: fetched from allowed domains only, never from internal addresses.

A product's photo address is data from an editor or a feed. It must not make the worker request
addresses of the shop's own network (server-side request forgery). The name is resolved once, and
every address found must be public. The connection goes to the checked address, and the certificate
is checked against the name. A name that later resolves to another address (DNS rebinding) has
no effect.
"""

import ipaddress
import re
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from threading import Timer
from typing import Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from similarity import conf
from similarity.catalog.content import ImageRef
from similarity.catalog.photos import PhotoAbsent, PhotoUnavailable

MAX_ADDRESS = 2000
MAX_REDIRECTS = 3
#: Total time for one photo, including redirects.
FETCH_TIMEOUT_S = 10.0

_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))+")
_REDIRECTS = (301, 302, 303, 307, 308)
#: Statuses below 500 that may pass: an expired key or signature, a time-out, too many requests.
_FOR_NOW = (401, 403, 407, 408, 423, 425, 429)
_PORTS = {"http": 80, "https": 443}

#: Protocol assignments and 6to4 relays (RFC 6890, RFC 7526), which Python counts as global.
_SPECIAL = ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv4Network("192.88.99.0/24")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class FetchRefused(PhotoAbsent):
    """The address may not be fetched, or its response cannot be used."""


class FetchDelayed(PhotoUnavailable):
    """The address may be fetched, but the server did not answer in time, or answered a failure."""


@dataclass(frozen=True)
class Target:
    """A request's target: connect to ``address``, request ``host`` and check its certificate."""

    scheme: str
    host: str
    port: int
    path: str
    address: str


def is_remote(name: str) -> bool:
    """Return True if a photo's name is an address rather than a file in a storage."""
    return "://" in name or name.startswith("//")


def image_ref(url: str) -> ImageRef:
    """Return a reference to the photo at an address; a change of address means another photo."""
    return ImageRef(name=url, read=partial(fetch, url))


def fetch(url: str, limit: int) -> bytes:
    """Return the first ``limit + 1`` bytes at ``url``, within ``FETCH_TIMEOUT_S`` in all.

    Follows up to ``MAX_REDIRECTS`` redirects, and checks each address like the first. Raises
    :class:`FetchRefused` if the domain is not in ``IMAGES["DOMAINS"]``, an address is not public,
    or the server answers another status than 200. Raises :class:`FetchDelayed` if the server cannot
    be reached, takes too long, or reports a temporary failure.
    """
    deadline = time.monotonic() + FETCH_TIMEOUT_S
    for _ in range(MAX_REDIRECTS + 1):
        answer = _request(locate(url), limit, deadline)
        if isinstance(answer, bytes):
            return answer
        url = urljoin(url, answer)
    raise FetchRefused(f"{url[:200]!r} comes after more than {MAX_REDIRECTS} redirects.")


def locate(url: str) -> Target:
    """Check an address, resolve its name, check the resolved addresses and return the target."""
    parts = _split(url)
    host = _host(parts, url)
    port = _PORTS[parts.scheme] if parts.port is None else parts.port
    if not _allowed(parts.scheme, host, port):
        raise FetchRefused(
            f"{url[:200]!r} has the domain {host!r}, port {port}; photos are fetched from "
            "SIMILARITY['IMAGES']['DOMAINS'] only. Add it there if it is yours."
        )
    addresses = _resolve(host, port)
    for address in addresses:
        if not is_public(address):
            raise FetchRefused(
                f"{host!r} resolves to {address}, which is no public address; nothing is asked of "
                "the network behind the shop."
            )
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else ""
    return Target(parts.scheme, host, port, path + query, str(addresses[0]))


def is_public(address: IPAddress) -> bool:
    """Return True if an address is on the public internet, also if another address wraps it."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = list(_embedded(address))
        if inner:
            return all(is_public(each) for each in inner)
        if address.is_site_local or address.scope_id:
            return False
    elif any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """Yield IPv4 addresses inside an IPv6 address: mapped, 6to4, Teredo, NAT64 (RFC 6052)."""
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    number = int(address)
    nat64 = ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48")
    if any(address in network for network in nat64) or (number >> 32 == 0 and number > 1):
        yield ipaddress.IPv4Address(number & 0xFFFFFFFF)


def _split(url: str) -> SplitResult:
    if len(url) > MAX_ADDRESS:
        raise FetchRefused(f"{url[:60]!r}… has {len(url)} characters; {MAX_ADDRESS} at most.")
    if "\\" in url or any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise FetchRefused(f"{url[:200]!r} holds a blank, a control character or a backslash.")
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises if the port is not a number
    except ValueError as error:
        raise FetchRefused(f"{url[:200]!r} is not an address: {error}.") from error
    if parts.scheme not in _PORTS:
        raise FetchRefused(f"{url[:200]!r} has the scheme {parts.scheme!r}; use https.")
    if "@" in parts.netloc:
        raise FetchRefused("An address with a user name or password is not fetched.")
    return parts


def _host(parts: SplitResult, url: str) -> str:
    """Return the host name in lower case and IDNA; refuse a number in any spelling."""
    try:
        host = (parts.hostname or "").rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise FetchRefused(f"{url[:200]!r} has no valid host name.") from error
    # 127.0.0.1, 127.1, 0x7f.1 and 2130706433 all end in a number or have no dot.
    if not _HOST.fullmatch(host) or not re.search(r"[a-z]", host.rsplit(".", 1)[-1][:1]):
        raise FetchRefused(f"{url[:200]!r} has the host {host!r}; give a full domain name.")
    return host


def _allowed(scheme: str, host: str, port: int) -> bool:
    """Return True if an entry of ``IMAGES["DOMAINS"]`` allows the address.

    ``cdn.example.com`` allows https on port 443; ``*.`` allows its subdomains. Another scheme and
    port are written out: ``http://cdn.example.com:8080``.
    """
    for entry in conf.get("IMAGES", "DOMAINS"):
        wanted = urlsplit(entry if "://" in entry else f"https://{entry}")
        if (wanted.scheme, wanted.port or _PORTS.get(wanted.scheme)) != (scheme, port):
            continue
        domain = (wanted.hostname or "").lower()
        if host == domain or (domain.startswith("*.") and host.endswith(domain[1:])):
            return True
    return False


def _resolve(host: str, port: int) -> Sequence[IPAddress]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise FetchRefused(f"{host!r} cannot be resolved: {error}.") from error
    except OSError as error:
        raise FetchDelayed(f"{host!r} cannot be resolved: {error}.") from error
    return [ipaddress.ip_address(where[0]) for *_, where in found]


def _request(target: Target, limit: int, deadline: float) -> bytes | str:
    """Return the body, or the address a redirect leads to."""
    import urllib3

    connection = _connection(target, deadline)
    try:
        connection.connect()
        with _cut_off(connection, deadline):
            answer = _answer(connection, target, limit)
        if time.monotonic() >= deadline:  # a connection that was cut off looks like an end
            raise TimeoutError
        return answer
    except (FetchRefused, FetchDelayed):
        raise
    except ValueError as error:  # a certificate of another name
        raise FetchRefused(f"{target.host!r} does not serve it: {error}.") from error
    except (urllib3.exceptions.HTTPError, HTTPException, OSError) as error:
        late = time.monotonic() >= deadline
        said = "took longer than IMAGE_FETCH_TIMEOUT_S" if late else f"does not serve it: {error}"
        raise FetchDelayed(f"{target.host!r} {said}.") from error
    finally:
        connection.close()


def _connection(target: Target, deadline: float) -> Any:
    """Return a connection to the checked address; the certificate must match the host name."""
    from urllib3.connection import HTTPConnection, HTTPSConnection

    timeout_s = max(deadline - time.monotonic(), 0.001)
    if target.scheme == "http":
        return HTTPConnection(target.address, target.port, timeout=timeout_s)
    return HTTPSConnection(
        target.address,
        target.port,
        timeout=timeout_s,
        cert_reqs="CERT_REQUIRED",
        server_hostname=target.host,
        assert_hostname=target.host,
    )


@contextmanager
def _cut_off(connection: Any, deadline: float) -> Iterator[None]:
    """Shut the socket at the deadline, because a slow drip of bytes meets each read time-out."""
    sock = connection.sock
    timer = Timer(max(deadline - time.monotonic(), 0.0), partial(_shut, sock))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _answer(connection: Any, target: Target, limit: int) -> bytes | str:
    usual = _PORTS[target.scheme] == target.port
    headers = {
        "Host": target.host if usual else f"{target.host}:{target.port}",
        "Accept": "image/*",
        "Accept-Encoding": "identity",  # the counted bytes must be the bytes that arrive
        "User-Agent": "django-similarity",
    }
    connection.request(
        "GET", target.path, headers=headers, preload_content=False, decode_content=False
    )
    response = connection.getresponse()
    try:
        return _body(response, target.host, limit)
    finally:
        response.close()


def _body(response: Any, host: str, limit: int) -> bytes | str:
    if response.status in _REDIRECTS:
        return str(response.headers.get("Location") or "")
    if response.status != 200:
        delayed = response.status in _FOR_NOW or response.status >= 500
        raise (FetchDelayed if delayed else FetchRefused)(
            f"{host!r} answers {response.status}; a photo answers 200."
        )
    body = bytes(response.read(limit + 1))
    if len(body) <= limit and response.length_remaining:
        raise FetchDelayed(f"{host!r} broke off {response.length_remaining} bytes before the end.")
    return body
