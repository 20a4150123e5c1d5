"""Polling of the outbox by every process of a worker: messages only make it quicker.

Products do not wait while one worker lives, even if the broker is down, beat does not run,
a worker no longer hears its queue after the broker came back, or another worker was killed.
Polling costs a query every few seconds while no row is due.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import InterfaceError, OperationalError, close_old_connections, connections

from similarity.outbox import draining

logger = logging.getLogger(__name__)

POLL_S = 2.0
#: Seconds to wait after an error that the next poll would meet again, such as missing weights. A
#: database that is down is asked at the usual interval: that is cheap, and it may be back soon.
ERROR_WAIT_S = 10.0
#: Longest time a stopping process works on. It finishes its present batch.
BUDGET_S = 5.0
STOP_S = 10.0

_lock = threading.Lock()
_tasks = 0  # tasks of this process that drain now
_polling = False  # True while the thread drains
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
    """Stop polling; wait for the present batch, so that its products do not count as tried."""
    _stop.set()
    if _thread is not None:
        _thread.join(STOP_S)


@contextmanager
def by_task() -> Iterator[bool]:
    """Yield True to a task that may drain; False if the polling thread of its process drains."""
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
    wait_s, said = 0.0, ""  # look at once: a killed process may have left rows behind
    while not _stop.wait(wait_s):
        try:
            close_old_connections()
            _drain_unless_a_task_does()
            wait_s, said = POLL_S, ""
        except Exception as error:  # noqa: BLE001 - a door: the thread must survive every error
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
