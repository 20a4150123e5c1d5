"""Every process of a worker polls the outbox: messages only make it quicker.

A broker that is away, beat that does not run, a worker that no longer hears its queue after
the broker came back, another one that was killed: none of them keeps products waiting while
one worker lives. Polling costs a query every few seconds where nothing waits.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import InterfaceError, OperationalError, close_old_connections, connections

from similarity.outbox import draining

logger = logging.getLogger(__name__)

POLL_S = 2.0
#: Wait after an error that the next look would meet again, such as missing weights. A database
#: that is away is asked again as ever: it costs nothing, and it may be back at any moment.
ERROR_WAIT_S = 10.0
#: Longest that a process which is told to stop works on; a batch under way is finished.
BUDGET_S = 5.0
STOP_S = 10.0

_lock = threading.Lock()
_tasks = 0  # tasks of this process that drain just now
_polling = False  # whether the thread does
_stop = threading.Event()
_thread: threading.Thread | None = None


def start() -> None:
    """Poll from now on, in a thread of this process; a second call changes nothing."""
    global _thread
    if _thread is not None and _thread.is_alive():
        return
    _stop.clear()
    _thread = threading.Thread(target=_poll, name="similarity-polling", daemon=True)
    _thread.start()


def stop() -> None:
    """Poll no more; waits for a batch under way, so that its products count as tried by nobody."""
    _stop.set()
    if _thread is not None:
        _thread.join(STOP_S)


@contextmanager
def by_task() -> Iterator[bool]:
    """For a task that drains: False where the thread of its process does so already."""
    global _tasks
    with _lock:
        if _polling:
            free = False
        else:
            free, _tasks = True, _tasks + 1
    try:
        yield free
    finally:
        if free:
            with _lock:
                _tasks -= 1


def _poll() -> None:
    wait_s, said = 0.0, ""  # whoever was killed before may have left something behind
    while not _stop.wait(wait_s):
        try:
            close_old_connections()
            _drain_unless_a_task_does()
            wait_s, said = POLL_S, ""
        except Exception as error:  # noqa: BLE001 - a door: the thread outlives what it meets
            away = isinstance(error, (OperationalError, InterfaceError))
            wait_s = POLL_S if away else ERROR_WAIT_S
            if str(error) != said:
                said = str(error)
                logger.warning("The outbox is not drained: %s: %s", type(error).__name__, error)
        finally:
            close_old_connections()
    connections.close_all()


def _drain_unless_a_task_does() -> None:
    global _polling
    with _lock:
        if _tasks:
            return
        _polling = True
    try:
        while not _stop.is_set() and draining.drain(BUDGET_S):
            pass
    finally:
        with _lock:
            _polling = False
