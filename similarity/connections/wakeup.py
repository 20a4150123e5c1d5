"""The message that wakes a worker: only a hint, because the outbox holds the work.

It is requested after commit, at most once a transaction, and a thread of the process sends it. So a
save takes the same time with a broker that is down or hangs as with a broker that answers. After a
failure no message is sent for ``PAUSE_S``; workers then find waiting changes by themselves.
"""

import atexit
import logging
import os
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from celery import current_app
from django.db import transaction
from kombu import Connection, pools

from similarity import conf
from similarity.connections.pause import Pause
from similarity.connections.sender import Sender

logger = logging.getLogger(__name__)

TASK = "similarity.drain_outbox"

CONNECT_TIMEOUT_S = 1.0
PAUSE_S = 10.0

#: Seconds between two messages that commits of this process request.
EVERY_S = 0.1

#: Longest an ending process waits for its last message: for example a command that saved and is
#: done.
EXIT_WAIT_S = 2.0

pause = Pause(PAUSE_S)


def on_commit(alias: str, task: str = TASK) -> None:
    """Request ``task`` once the transaction on ``alias`` is committed, at once without one."""
    waker = _waker(task)
    # Django drops callbacks with the savepoint they were given in, so only its own list shows
    # whether a wake-up still stands.
    callbacks = transaction.get_connection(alias).run_on_commit
    if not any(callback is waker for _savepoints, callback, *_robust in callbacks):
        transaction.on_commit(waker, using=alias, robust=True)


@cache
def _waker(task: str) -> Callable[[], Any]:
    """Return the same callback for each task, so that a transaction's list identifies it."""
    return partial(wake_soon, task)


def wake_soon(task: str = TASK) -> None:
    """Request ``task`` from this process's thread; return at once.

    If Celery runs tasks eagerly, no message is sent, because the save would wait for the encoders.
    Changes stay in the outbox for a worker, or for 'manage.py similarity embed --now'.
    """
    if not current_app.conf.task_always_eager:
        _sender.ask(task)


def flush(timeout_s: float = EXIT_WAIT_S) -> bool:
    """Wait for the requested messages; return True if the broker has them all."""
    return _sender.flush(timeout_s)


def wake(task: str = TASK, **options: Any) -> bool:
    """Send ``task`` now, by default a drain of the outbox; return True if the broker took it.

    ``options`` are Celery's own: ``args``, ``queue``, ``expires``.
    """
    if pause.lasts():
        return False
    try:
        send(task, **options)
    except Exception as error:  # noqa: BLE001 - each transport raises its own errors
        pause.begin()
        logger.warning(
            "The broker %s took no wake-up (%s: %s). Changes wait in the outbox until a "
            "worker or beat looks; no wake-up is tried for %.0f s.",
            broker(),
            type(error).__name__,
            error,
            PAUSE_S,
        )
        return False
    return True


def send(task: str, **options: Any) -> None:
    """Publish ``task`` on the configured queue, with one short attempt to connect."""
    signature = current_app.signature(task)
    options = {
        "queue": conf.get("WORKERS", "QUEUE"),
        "retry": False,
        "ignore_result": True,
        **options,
    }
    if current_app.conf.task_always_eager:
        signature.apply_async(**options)
        return
    with pools.producers[connection()].acquire(block=True, timeout=CONNECT_TIMEOUT_S) as producer:
        signature.apply_async(producer=producer, **options)


def connection() -> Connection:
    """Return a connection to the broker that fails fast, because Celery's own would wait for it.

    Connections of equal parameters share one pool of open connections (see ``kombu.pools``).
    """
    configured: Connection = current_app.connection_for_write(connect_timeout=CONNECT_TIMEOUT_S)
    options = {
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": CONNECT_TIMEOUT_S,
        **(configured.transport_options or {}),
        "max_retries": 0,
        # Part of a pool's identity, so that a forked process opens its own connections.
        "opened_by": os.getpid(),
    }
    if configured.transport_cls not in ("redis", "rediss", "sentinel"):
        options.pop("socket_connect_timeout")
        options.pop("socket_timeout")
    return configured.clone(transport_options=options)


def broker() -> str:
    """Return the broker's address without its password."""
    return str(current_app.connection_for_write().as_uri())


def _new_sender() -> Sender:
    # Looked up by the module's name at each call, so that a test may replace it.
    return Sender(lambda task: wake(task), pause, EVERY_S)


_sender = _new_sender()


def _renew() -> None:
    """Make a new sender in a forked process, because it lacks its parent's sending thread."""
    global _sender
    _sender = _new_sender()


os.register_at_fork(after_in_child=_renew)
atexit.register(lambda: _sender.flush(EXIT_WAIT_S))
