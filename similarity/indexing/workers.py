"""Which workers were seen lately, and what they are doing.

Kept in the cache named by ``SIMILARITY["CACHE"]``: it must be one that web processes and
workers share, such as Redis or Memcached.
"""

import logging
import socket
import sys
import time
from typing import Any, TypedDict

from django.core.cache import caches

from similarity import conf
from similarity.encoders import device as devices

logger = logging.getLogger(__name__)

KEY = "similarity:workers"
SEEN_S = 120.0  # a worker silent for longer is not counted any more
NOTE_EVERY_S = 5.0

_noted: dict[str, float] = {}  # what was said → monotonic seconds; of this process


class Worker(TypedDict):
    seen_at: float  # seconds since 1970
    device: str  # empty until the worker has loaded an encoder that has one
    doing: str
    done: int
    total: int


def note(doing: str = "", done: int = 0, total: int = 0) -> None:
    """Say that a worker is alive on this machine and what it does; at most every few seconds."""
    now = time.monotonic()
    if now - _noted.get(doing, -NOTE_EVERY_S) < NOTE_EVERY_S:
        return
    _noted[doing] = now
    host = socket.gethostname()
    try:
        cache = caches[conf.get("CACHE")]
        known = _alive(cache.get(KEY))
        device = _device() or known.get(host, {}).get("device", "")
        known[host] = Worker(
            seen_at=time.time(), device=device, doing=doing, done=done, total=total
        )
        cache.set(KEY, known, timeout=SEEN_S)
    except Exception as error:  # noqa: BLE001 - each cache backend raises its own errors
        logger.warning("The cache took no sign of life of this worker: %s", error)


def seen() -> dict[str, Worker]:
    """Machines with a worker seen in the last ``SEEN_S`` seconds → what it said last.

    Raises whatever the cache's client raises where the cache does not answer.
    """
    return _alive(caches[conf.get("CACHE")].get(KEY))


def seen_if_known() -> dict[str, Worker]:
    """As :func:`seen`; empty where the cache that would know does not answer."""
    try:
        return seen()
    except Exception as error:  # noqa: BLE001 - each cache backend raises its own errors
        logger.info("The cache does not say which workers are alive: %s", error)
        return {}


def _device() -> str:
    """The device this process encodes on, where it has loaded torch already.

    Not asked before: the parent of a worker's processes must not touch the GPU.
    """
    return devices.device() if "torch" in sys.modules else ""


def _alive(known: Any) -> dict[str, Any]:
    oldest = time.time() - SEEN_S
    return {name: worker for name, worker in (known or {}).items() if worker["seen_at"] > oldest}
