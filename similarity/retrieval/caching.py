"""The cache named by ``SIMILARITY["CACHE"]``; one that is down costs time and nothing else."""

import logging
from typing import Any

from django.core.cache import caches

from similarity import conf

logger = logging.getLogger(__name__)


def read(key: str) -> Any:
    """What is kept under ``key``; None where there is nothing, or where nothing answers."""
    try:
        return caches[conf.get("CACHE")].get(key)
    except Exception:  # whatever the cache's client raises; the value is computed instead
        logger.warning("The cache cannot be read for %s.", key, exc_info=True)
        return None


def write(key: str, value: Any) -> None:
    """Keep ``value`` for ``CACHE_TIMEOUT_S`` seconds."""
    try:
        caches[conf.get("CACHE")].set(key, value, timeout=conf.get("CACHE_TIMEOUT_S"))
    except Exception:  # as above
        logger.warning("The cache cannot be written for %s.", key, exc_info=True)
