"""Calls that may hang, made beside the request that needs them.

A cache or broker whose machine is gone holds a call until its socket gives up, perhaps long after
the page was due. Such a call runs in one of a few threads of the process, and the page waits for it
only as long as it can.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

#: Calls under way at once, in each process; when all hang, no more are begun.
MOST = 32

Work = tuple[Callable[[], Any], "Future[Any]"]


class Background:
    """A pool of threads, made on demand; they do not keep the process from ending."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._work: SimpleQueue[Work] = SimpleQueue()
        self._lock = threading.Lock()
        self._under_way = 0
        self._threads = 0

    def start(self, call: Callable[[], Any]) -> "Future[Any] | None":
        """Begin ``call`` and return its future; None if ``most`` calls are under way."""
        with self._lock:
            if self._under_way >= self.most:
                return None
            self._under_way += 1
            more = self._under_way > self._threads
            self._threads += more
        future: Future[Any] = Future()
        self._work.put((call, future))
        if more:
            threading.Thread(target=self._run, name="similarity-background", daemon=True).start()
        return future

    def _run(self) -> None:
        while True:
            call, future = self._work.get()
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
                self._done()
                future.set_exception(error)
            else:
                self._done()
                future.set_result(result)

    def _done(self) -> None:
        with self._lock:
            self._under_way -= 1


_background = Background()


def start(call: Callable[[], Any]) -> "Future[Any] | None":
    """Begin ``call`` in a thread of this process and return its future; None at the limit."""
    return _background.start(call)


def _renew() -> None:
    """Make a new pool in a forked process, because it has none of its parent's threads."""
    global _background
    _background = Background()


os.register_at_fork(after_in_child=_renew)
