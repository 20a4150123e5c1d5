"""The cache named by ``SIMILARITY["CACHE"]["ALIAS"]``; an outage costs only time, and only once.

A key never holds text of a client: :func:`key` hashes it. A cache refuses keys with blanks or
control characters, and keys that are too long.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from django.core.cache import caches
from django.db import InterfaceError, OperationalError
from django.utils.crypto import salted_hmac
from django.utils.module_loading import import_string

from similarity import conf
from similarity.connections import metrics
from similarity.connections.pause import Pause
from similarity.connections.sealing import seal, unseal

logger = logging.getLogger(__name__)

#: After a failure this process does not call the cache for this long, because a hanging cache would
#: delay every page by its time-out.
PAUSE_S = 30.0

_pause = Pause(PAUSE_S)

_DOWN = object()

#: Errors of cache clients if the server cannot be reached, does not answer in time or reports that
#: it cannot serve. Clients that are not installed are skipped.
_CLIENT_OUTAGES = (
    "redis.exceptions.ConnectionError",
    "redis.exceptions.TimeoutError",
    "redis.exceptions.ClusterError",
    "valkey.exceptions.ConnectionError",
    "valkey.exceptions.TimeoutError",
    "valkey.exceptions.ClusterError",
    "django_redis.exceptions.ConnectionInterrupted",
    "django_valkey.exceptions.ConnectionInterrupted",
    "pymemcache.exceptions.MemcacheUnexpectedCloseError",
    "pylibmc.ConnectionError",
    "pylibmc.HostLookupError",
    "pylibmc.ServerDead",
    "pylibmc.ServerDown",
    "pylibmc.SocketCreateError",
    "pylibmc.TimeoutError",
)


def key(name: str, *told: Any) -> str:
    """Return a key that depends on ``told``, all of which a client may have sent.

    Metrics count it by ``name``. ``told`` is hashed with the host's ``SECRET_KEY``, so that the
    keys in a cache reveal neither queries nor addresses.
    """
    return f"similarity:{name}:{digest(*told)}"


def digest(*told: Any) -> str:
    """Return 64 hexadecimal digits for ``told``, which must suit JSON or ``str``."""
    text = json.dumps(told, sort_keys=True, default=str)
    return salted_hmac("similarity.cache", text, algorithm="sha256").hexdigest()


def read(key: str) -> Any:
    """Return the value under ``key``; None if it is missing, or if the cache does not answer.

    ``key`` starts with ``similarity:`` and the name that metrics count it by.
    """
    found = attempt(lambda: load(key), otherwise=_DOWN)
    result = "down" if found is _DOWN else "miss" if found is None else "hit"
    metrics.count("cache_total", cache=key.split(":")[1], result=result)
    return None if found is _DOWN else found


def write(key: str, value: Any) -> None:
    """Keep ``value`` for ``CACHE["TIMEOUT_S"]`` seconds."""
    attempt(lambda: store({key: value}, conf.get("CACHE", "TIMEOUT_S")))


def attempt(call: Callable[[], Any], otherwise: Any = None) -> Any:
    """Return the result of a call on the cache; ``otherwise`` if it fails or the cache is down.

    Only an outage pauses the cache. A value or key that the cache refuses is an error of this call
    only, and the next call is made.
    """
    if _pause.lasts():
        return otherwise
    try:
        return call()
    except Exception as error:  # a door: the shop goes on without its cache
        alias = conf.get("CACHE", "ALIAS")
        if isinstance(error, _outages()):
            _pause.begin()
            told = "The cache %r does not answer; it is not called again for %.0f s."
            logger.warning(told, alias, PAUSE_S, exc_info=True)
        else:
            told = "The cache %r refuses a call: %s: %s"
            logger.error(told, alias, type(error).__name__, str(error)[:200])
        return otherwise


@cache
def _outages() -> tuple[type[BaseException], ...]:
    """Return the errors that mean that the cache is down, and not that a call was wrong."""
    found: list[type[BaseException]] = [OSError, EOFError, OperationalError, InterfaceError]
    for path in _CLIENT_OUTAGES:
        try:
            found.append(import_string(path))
        except ImportError:
            continue
    return tuple(found)


def load(key: str) -> Any:
    """Return the value that :func:`store` kept, else None; raise the cache client's errors."""
    return unseal(key, caches[conf.get("CACHE", "ALIAS")].get(key))


def load_many(keys: Sequence[str]) -> dict[str, Any]:
    """Map the kept keys to their values. Raises the cache client's errors."""
    found = caches[conf.get("CACHE", "ALIAS")].get_many(keys)
    values = {key: unseal(key, text) for key, text in found.items()}
    return {key: value for key, value in values.items() if value is not None}


def store(values: Mapping[str, Any], timeout_s: float | None) -> None:
    """Keep JSON values, or bytes, by key. Raises the cache client's errors."""
    texts = {key: seal(key, value) for key, value in values.items()}
    backend = caches[conf.get("CACHE", "ALIAS")]
    if len(texts) == 1:
        backend.set(*next(iter(texts.items())), timeout=timeout_s)
    else:
        backend.set_many(texts, timeout=timeout_s)


def resume() -> None:
    """Forget the pause after a failure."""
    _pause.end()
