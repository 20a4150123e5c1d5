"""The cache named by ``SIMILARITY["CACHE"]``; one that is down costs time once and nothing else."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache import caches

from similarity import conf

logger = logging.getLogger(__name__)

#: After a failure this process asks the cache nothing for so long: one that hangs would
#: hold up every page by its time-out.
PAUSE_S = 30.0

_paused_until = 0.0  # monotonic seconds; of this process


def read(key: str) -> Any:
    """What is kept under ``key``; None where there is nothing, or where nothing answers."""
    return attempt(lambda: caches[conf.get("CACHE")].get(key))


def write(key: str, value: Any) -> None:
    """Keep ``value`` for ``CACHE_TIMEOUT_S`` seconds."""
    timeout_s = conf.get("CACHE_TIMEOUT_S")
    attempt(lambda: caches[conf.get("CACHE")].set(key, value, timeout=timeout_s))


def attempt(call: Callable[[], Any], otherwise: Any = None) -> Any:
    """The result of a call on the cache; ``otherwise`` where it fails or failed just before."""
    global _paused_until
    if time.monotonic() < _paused_until:
        return otherwise
    try:
        return call()
    except Exception:  # whatever the cache's client raises; the shop goes on without it
        _paused_until = time.monotonic() + PAUSE_S
        logger.warning(
            "The cache %r does not answer; it is not asked again for %.0f s.",
            conf.get("CACHE"),
            PAUSE_S,
            exc_info=True,
        )
        return otherwise


def resume() -> None:
    """Forget the pause after a failure."""
    global _paused_until
    _paused_until = 0.0
