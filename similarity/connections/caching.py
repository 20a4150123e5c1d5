"""The cache named by ``SIMILARITY["CACHE"]``; one that is down costs time once and nothing else."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache import caches

from similarity import conf
from similarity.connections import metrics
from similarity.connections.pause import Pause

logger = logging.getLogger(__name__)

#: After a failure this process asks the cache nothing for so long: one that hangs would
#: hold up every page by its time-out.
PAUSE_S = 30.0

_pause = Pause(PAUSE_S)

_DOWN = object()


def read(key: str) -> Any:
    """What is kept under ``key``; None where there is nothing, or where nothing answers.

    ``key`` starts with ``similarity:`` and the name that metrics count it by.
    """
    found = attempt(lambda: caches[conf.get("CACHE")].get(key), otherwise=_DOWN)
    result = "down" if found is _DOWN else "miss" if found is None else "hit"
    metrics.count("cache_total", cache=key.split(":")[1], result=result)
    return None if found is _DOWN else found


def write(key: str, value: Any) -> None:
    """Keep ``value`` for ``CACHE_TIMEOUT_S`` seconds."""
    timeout_s = conf.get("CACHE_TIMEOUT_S")
    attempt(lambda: caches[conf.get("CACHE")].set(key, value, timeout=timeout_s))


def attempt(call: Callable[[], Any], otherwise: Any = None) -> Any:
    """The result of a call on the cache; ``otherwise`` where it fails or failed just before."""
    if _pause.lasts():
        return otherwise
    try:
        return call()
    except Exception:  # whatever the cache's client raises; the shop goes on without it
        _pause.begin()
        logger.warning(
            "The cache %r does not answer; it is not asked again for %.0f s.",
            conf.get("CACHE"),
            PAUSE_S,
            exc_info=True,
        )
        return otherwise


def resume() -> None:
    """Forget the pause after a failure."""
    _pause.end()
