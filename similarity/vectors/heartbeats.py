"""Workers seen lately, and their present work.

Kept in the cache named by ``SIMILARITY["CACHE"]["ALIAS"]``. It must be a cache that web processes
and workers share, such as Redis or Memcached.
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
SEEN_S = 120.0  # a worker silent for longer no longer counts
NOTE_EVERY_S = 5.0
#: Longest time work waits for the cache. While a write hangs, no further write is started.
TELL_S = 2.0

_noted: dict[str, float] = {}  # this process's work → monotonic seconds of its last note
_worker_pid: int | None = None  # the worker that forked this process
_telling: "Future[Any] | None" = None


class Worker(TypedDict):
    seen_at: float  # seconds since 1970
    device: str  # empty until the worker has loaded an encoder with a device
    doing: str
    done: int
    total: int


def note(doing: str = "", done: int = 0, total: int = 0) -> None:
    """Note that this worker is alive, with its present work; at most every few seconds.

    The processes of one worker share one entry. No work waits for a cache that hangs.
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
        # Two workers may write the list at once; the missing worker adds itself at its next note.
        names = caching.load(KEY) or []
        if name not in names:
            alive = caching.load_many([_key(each) for each in names])
            names = [each for each in names if _key(each) in alive]
            caching.store({KEY: [*names, name]}, None)
    except Exception as error:  # noqa: BLE001 - each cache backend raises its own errors
        logger.warning("The cache took no sign of life of this worker: %s", error)
    finally:
        close_old_connections()  # for a cache in a database table


def speak_as_one(worker: int | None = None) -> None:
    """Let this process and its future forks count as one worker: ``worker``, or this process."""
    global _worker_pid
    _worker_pid = worker or os.getpid()


def seen() -> dict[str, Worker]:
    """Return workers seen in the last ``SEEN_S`` seconds: ``host:process id`` → its last note.

    Raises the error of the cache's client if the cache does not answer.
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
    """Return :func:`seen`, or an empty dict if the cache does not answer."""
    try:
        return seen()
    except Exception as error:  # noqa: BLE001 - each cache backend raises its own errors
        logger.info("The cache does not answer which workers are alive: %s", error)
        return {}


def _device() -> str:
    """Return the device this process encodes on, if it has loaded torch already.

    Not earlier: the parent of a worker's processes must not touch the GPU.
    """
    return devices.device() if "torch" in sys.modules else ""


def _key(name: str) -> str:
    return f"{KEY}:{name}"


def _forget() -> None:
    """Reset after a fork: the child lacks the thread that would finish its parent's note."""
    global _telling
    _telling = None


os.register_at_fork(after_in_child=_forget)
