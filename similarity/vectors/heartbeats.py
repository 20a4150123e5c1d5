"""Which workers were seen lately, and what they are doing.

Kept in the cache named by ``SIMILARITY["CACHE"]["ALIAS"]``: it must be one that web processes and
workers share, such as Redis or Memcached.
"""

import logging
import os
import socket
import sys
import time
from concurrent.futures import Future, wait
from functools import partial
from typing import Any, TypedDict

from django.db import close_old_connections

from similarity.connections import background, caching
from similarity.encoders import device as devices

logger = logging.getLogger(__name__)

KEY = "similarity:workers"
SEEN_S = 120.0  # a worker silent for longer is not counted any more
NOTE_EVERY_S = 5.0
#: Longest that work waits for the cache; until one that hangs has answered it is told no more.
TELL_S = 2.0

_noted: dict[str, float] = {}  # what was said → monotonic seconds; of this process
_worker_pid: int | None = None  # of the worker that forked this process
_telling: "Future[Any] | None" = None


class Worker(TypedDict):
    seen_at: float  # seconds since 1970
    device: str  # empty until the worker has loaded an encoder that has one
    doing: str
    done: int
    total: int


def note(doing: str = "", done: int = 0, total: int = 0) -> None:
    """Say that this worker is alive and what it does; at most every few seconds.

    The processes of one worker speak for it as one. No work waits for a cache that hangs.
    """
    global _telling
    now = time.monotonic()
    if now - _noted.get(doing, -NOTE_EVERY_S) < NOTE_EVERY_S:
        return
    if _telling is not None and not _telling.done():
        return
    _noted[doing] = now
    _telling = background.start(partial(_tell, doing, done, total))
    if _telling is not None:
        wait([_telling], TELL_S)


def _tell(doing: str, done: int, total: int) -> None:
    name = f"{socket.gethostname()}:{_worker_pid or os.getpid()}"
    try:
        device = _device() or (caching.load(_key(name)) or {}).get("device", "")
        said = Worker(seen_at=time.time(), device=device, doing=doing, done=done, total=total)
        caching.store({_key(name): said}, SEEN_S)
        # Two workers may write the list at once; the one that is missing then adds itself anew.
        names = caching.load(KEY) or []
        if name not in names:
            alive = caching.load_many([_key(each) for each in names])
            names = [each for each in names if _key(each) in alive]
            caching.store({KEY: [*names, name]}, None)
    except Exception as error:  # noqa: BLE001 - each cache backend raises its own errors
        logger.warning("The cache took no sign of life of this worker: %s", error)
    finally:
        close_old_connections()  # of a cache that is a table


def speak_as_one(worker: int | None = None) -> None:
    """This process and those that it forks from now on are one worker: ``worker``, or its own."""
    global _worker_pid
    _worker_pid = worker or os.getpid()


def seen() -> dict[str, Worker]:
    """Workers seen in the last ``SEEN_S`` seconds, as ``host:process id`` → what each said last.

    Raises whatever the cache's client raises where the cache does not answer.
    """
    names = caching.load(KEY) or []
    said = caching.load_many([_key(name) for name in names])
    oldest = time.time() - SEEN_S
    return {
        name: said[_key(name)]
        for name in names
        if _key(name) in said and said[_key(name)]["seen_at"] > oldest
    }


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


def _key(name: str) -> str:
    return f"{KEY}:{name}"


def _forget() -> None:
    """A process that was forked has no thread that would end what its parent was telling."""
    global _telling
    _telling = None


os.register_at_fork(after_in_child=_forget)
