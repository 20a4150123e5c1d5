"""Calls that may hang, made beside the request that wants them.

A cache or broker whose machine is gone holds a call until its socket gives up, which may be
long after the page had to be there. Such a call runs in one of a few threads of the process
and the page waits for it as long as it can.
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
    """Threads made as they are needed; they do not keep the process from ending."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._work: SimpleQueue[Work] = SimpleQueue()
        self._lock = threading.Lock()
        self._under_way = 0
        self._threads = 0

    def start(self, call: Callable[[], Any]) -> "Future[Any] | None":
        """Begin ``call``; None where as many as may be are under way."""
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
    """Begin ``call`` in a thread of this process; None where too many hang already."""
    return _background.start(call)


def _renew() -> None:
    """A process that was forked has none of its parent's threads."""
    global _background
    _background = Background()


os.register_at_fork(after_in_child=_renew)
