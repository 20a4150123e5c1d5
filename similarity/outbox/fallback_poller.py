"""A process that polls the outbox for a prefork worker whose pool has died.

Celery's prefork pool replaces a killed process in its event loop, which stands still while the
broker is down. Without this poller, no product would be embedded until the broker is back. The
worker's parent watches its pool in a thread. While no process of the pool lives, it keeps a
process of this module, with an interpreter of its own: a fork of the parent would also copy the
locks of its threads, and Celery would not know the fork.

``python -m similarity.outbox.fallback_poller PID`` polls for as long as PID is its parent.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

import django

logger = logging.getLogger(__name__)

#: Seconds between two looks at the pool. Celery itself replaces a process within milliseconds. So
#: if no process lives at two looks in a row, Celery does not replace them.
LOOK_S = 1.0
#: Each stand-in that ends is replaced one look later than the previous, up to this many looks.
MOST_LOOKS = 30
#: Seconds within which a stand-in notices that its worker was killed.
PARENT_LOOK_S = 1.0

_watch: "Watch | None" = None


def start(processes: Callable[[], Sequence[int]]) -> None:
    """Watch a pool from now on, in a thread of this process, its parent.

    ``processes`` returns the ids of the pool's processes; empty before the pool has any.
    """
    global _watch
    _watch = Watch(processes)
    threading.Thread(target=_watch.run, name="similarity-watch", daemon=True).start()


def stop() -> None:
    """Stop watching and end the stand-in; return at once."""
    if _watch is not None:
        _watch.over.set()


class Watch:
    """The observed state of one pool, and the stand-in for it, if any."""

    def __init__(self, processes: Callable[[], Sequence[int]]) -> None:
        self.over = threading.Event()
        self._processes = processes
        self._gone_before = False
        self._stand_in: subprocess.Popen[bytes] | None = None
        self._begun = 0  # since the pool last lived
        self._looks_to_wait = 0

    def run(self) -> None:
        """Look at the pool until :attr:`over` is set."""
        while not self.over.wait(LOOK_S):
            try:
                self.look()
            except Exception:  # a door: the worker continues as without a watch
                logger.exception("The processes of this worker's pool are not watched.")
        self._end()

    def look(self) -> None:
        """Begin or end the stand-in, depending on the pool's living processes."""
        gone = none_lives(self._processes())
        if gone and self._gone_before:
            self._begin()
        elif not gone:
            self._end()
        self._gone_before = gone

    def _begin(self) -> None:
        """Begin a stand-in, later each time, so that failing starts do not fill the log."""
        if self._stand_in is not None and self._stand_in.poll() is None:
            return
        if self._looks_to_wait > 0:
            self._looks_to_wait -= 1
            return
        self._looks_to_wait = min(self._begun, MOST_LOOKS)
        self._begun += 1
        logger.warning(
            "No process of this worker's pool lives and Celery starts none, because it cannot "
            "reach its broker. Until then the plugin's own process, number %d, embeds.",
            self._begun,
        )
        self._stand_in = subprocess.Popen(  # noqa: S603 - no argument is input
            [sys.executable, "-m", "similarity.outbox.fallback_poller", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            # The program that started this worker may have extended the import path.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def _end(self) -> None:
        """Stop the stand-in, which finishes its present batch while the pool works again."""
        self._begun = self._looks_to_wait = 0
        if self._stand_in is not None and self._stand_in.poll() is None:
            self._stand_in.terminate()


def none_lives(processes: Sequence[int]) -> bool:
    """Return True if ``processes``, children of this process, is not empty and all have ended."""
    return bool(processes) and all(map(_has_ended, processes))


def _has_ended(pid: int) -> bool:
    """Return True if the child has ended, and leave its end for Celery to find.

    If the system cannot answer, the child counts as alive.
    """
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return False
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # Celery has just found it
        return True


def main(worker: int) -> None:
    """Poll until SIGTERM, or until the process ``worker`` is no longer the parent."""
    from similarity.outbox import polling
    from similarity.vectors import heartbeats

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it for the worker
    signal.signal(signal.SIGTERM, _leave)
    heartbeats.speak_as_one(worker)
    polling.start()
    try:
        while os.getppid() == worker:
            time.sleep(PARENT_LOOK_S)
    finally:
        polling.stop()


def _leave(*_arguments: object) -> NoReturn:
    raise SystemExit


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]))
