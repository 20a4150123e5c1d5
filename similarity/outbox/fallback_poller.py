"""A process that polls the outbox for a prefork worker that has lost its own.

Celery's prefork pool replaces a process that was killed in its event loop, and that stands still
while the broker is away: without another, nothing is embedded until it is back. The worker's
parent looks after its pool in a thread. While none of the pool's processes lives it keeps one
process here, with an interpreter of its own: a fork of the parent would take the locks of its
threads along, and Celery would not know it.

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

#: Between two looks at the pool. Celery itself replaces a process within milliseconds, so that
#: none living at two looks in a row means that nobody does.
LOOK_S = 1.0
#: Each stand-in that ends is replaced a look later than the one before, up to so many.
MOST_LOOKS = 30
#: How soon a stand-in notices that its worker was killed.
PARENT_LOOK_S = 1.0

_watch: "Watch | None" = None


def start(processes: Callable[[], Sequence[int]]) -> None:
    """Look after a pool from now on, in a thread of this process, its parent.

    ``processes`` gives the ids of the pool's processes; none before it has any.
    """
    global _watch
    _watch = Watch(processes)
    threading.Thread(target=_watch.run, name="similarity-watch", daemon=True).start()


def stop() -> None:
    """Look no more and end the stand-in; returns at once."""
    if _watch is not None:
        _watch.over.set()


class Watch:
    """What was seen of one pool, and the stand-in for it where there is one."""

    def __init__(self, processes: Callable[[], Sequence[int]]) -> None:
        self.over = threading.Event()
        self._processes = processes
        self._gone_before = False
        self._stand_in: subprocess.Popen[bytes] | None = None
        self._begun = 0  # since the pool was last there
        self._looks_to_wait = 0

    def run(self) -> None:
        """Look until it is over."""
        while not self.over.wait(LOOK_S):
            try:
                self.look()
            except Exception:  # a door: the worker goes on as it would without
                logger.exception("The processes of this worker's pool are not looked after.")
        self._end()

    def look(self) -> None:
        """Begin or end the stand-in by what lives of the pool now."""
        gone = none_lives(self._processes())
        if gone and self._gone_before:
            self._begin()
        elif not gone:
            self._end()
        self._gone_before = gone

    def _begin(self) -> None:
        """Later each time, so that one that cannot start does not fill the log."""
        if self._stand_in is not None and self._stand_in.poll() is None:
            return
        if self._looks_to_wait > 0:
            self._looks_to_wait -= 1
            return
        self._looks_to_wait = min(self._begun, MOST_LOOKS)
        self._begun += 1
        logger.warning(
            "No process of this worker's pool lives and Celery starts none, as it does while it "
            "cannot reach its broker. Until then one of the plugin's own embeds, number %d.",
            self._begun,
        )
        self._stand_in = subprocess.Popen(  # noqa: S603 - nothing of it is input
            [sys.executable, "-m", "similarity.outbox.fallback_poller", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            # Whatever started this worker may have found the project by a path of its own.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def _end(self) -> None:
        """Tell it to stop; it finishes the batch under way, beside the pool that is back."""
        self._begun = self._looks_to_wait = 0
        if self._stand_in is not None and self._stand_in.poll() is None:
            self._stand_in.terminate()


def none_lives(processes: Sequence[int]) -> bool:
    """Whether there are processes, children of this one, and all have ended."""
    return bool(processes) and all(map(_has_ended, processes))


def _has_ended(pid: int) -> bool:
    """Leaves its end for Celery to find. Where the system cannot say so, it lives."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return False
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # Celery found it just now
        return True


def main(worker: int) -> None:
    """Poll until SIGTERM, or until the process ``worker`` is no longer this one's parent."""
    from similarity.outbox import polling
    from similarity.vectors import heartbeats

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal, for the worker to act upon
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
