"""Signed JSON for the cache, so that values from other writers are ignored.

A cache is often open to more than the site: to each container of a network, to each user of a
machine. Django's backends keep pickles, which run code when they are read. So
:class:`JSONSerializer` takes their place for Redis and Valkey.
"""

import base64
import binascii
import json
from typing import Any

from django.core.signing import BadSignature, Signer

#: Marks bytes within JSON.
_BYTES = "base64"


def seal(key: str, value: Any) -> str:
    """Return ``value`` (JSON and bytes) as text that :func:`unseal` reads under the same key."""
    text = json.dumps(value, default=_write_bytes, separators=(",", ":"))
    return _signer(key).sign(text)


def unseal(key: str, text: Any) -> Any:
    """Return the value that :func:`seal` wrote under ``key``; None for any other text."""
    if not isinstance(text, str):
        return None
    try:
        return json.loads(_signer(key).unsign(text), object_hook=_read_bytes)
    except (BadSignature, ValueError, binascii.Error):
        return None


class JSONSerializer:
    """The ``CACHES[…]["OPTIONS"]["serializer"]`` of Django's Redis backend; it reads no pickle.

    Numbers stay numbers, so that Redis can increment them, and text stays as it is.
    """

    def dumps(self, value: Any) -> bytes | int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str):
            return b"'" + value.encode("utf-8", "surrogatepass")
        return json.dumps(value, separators=(",", ":")).encode()

    def loads(self, data: bytes) -> Any:
        """Return the value; None for invalid data such as a pickle."""
        try:
            if data[:1] == b"'":
                return data[1:].decode("utf-8", "surrogatepass")
            return json.loads(data)
        except (ValueError, RecursionError):
            return None


def _signer(key: str) -> Signer:
    return Signer(salt=f"similarity.cache.{key}")


def _write_bytes(value: Any) -> dict[str, str]:
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} cannot be kept in the cache; use plain values.")
    return {_BYTES: base64.b64encode(value).decode()}


def _read_bytes(found: dict[str, Any]) -> Any:
    if set(found) == {_BYTES}:
        return base64.b64decode(found[_BYTES])
    return found
