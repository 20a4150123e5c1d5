"""The message that wakes a worker: only a hint, for the outbox holds the work.

It is asked for after commit, at most once a transaction, and sent by a thread of the process,
so that a save takes as long with a broker that is down, or hangs, as with one that answers.
After a failure nothing is sent for ``PAUSE_S``; workers look for what waits by themselves.
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

#: Between two messages that commits of this process ask for.
EVERY_S = 0.1

#: Longest a process that ends waits for its last message: a command that saved and is done.
EXIT_WAIT_S = 2.0

pause = Pause(PAUSE_S)


def on_commit(alias: str, task: str = TASK) -> None:
    """Have ``task`` sent once the transaction on ``alias`` is committed, at once without one."""
    waker = _waker(task)
    # Django drops callbacks with the savepoint they were given in, so its own list is
    # the only one that can tell whether a wake-up still stands.
    callbacks = transaction.get_connection(alias).run_on_commit
    if not any(callback is waker for _savepoints, callback, *_robust in callbacks):
        transaction.on_commit(waker, using=alias, robust=True)


@cache
def _waker(task: str) -> Callable[[], Any]:
    """One and the same callback for each task, so that a transaction's list tells it apart."""
    return partial(wake_soon, task)


def wake_soon(task: str = TASK) -> None:
    """Have ``task`` sent by this process's thread; returns at once.

    Where Celery runs tasks eagerly nothing is sent: the save would wait for the encoders. Changes
    stay in the outbox for a worker, or for 'manage.py similarity embed --now'.
    """
    if not current_app.conf.task_always_eager:
        _sender.ask(task)


def flush(timeout_s: float = EXIT_WAIT_S) -> bool:
    """Wait for the messages that were asked for; whether the broker has them all."""
    return _sender.flush(timeout_s)


def wake(task: str = TASK, **options: Any) -> bool:
    """Send ``task`` now, a drain of the outbox; returns whether the broker took the message.

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
    """A connection to the broker that gives up fast: by itself Celery would wait for it.

    Connections of equal parameters share one pool of open ones (see ``kombu.pools``).
    """
    configured: Connection = current_app.connection_for_write(connect_timeout=CONNECT_TIMEOUT_S)
    options = {
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": CONNECT_TIMEOUT_S,
        **(configured.transport_options or {}),
        "max_retries": 0,
        # Part of what tells pools apart: a process that was forked opens connections of its own.
        "opened_by": os.getpid(),
    }
    if configured.transport_cls not in ("redis", "rediss", "sentinel"):
        options.pop("socket_connect_timeout")
        options.pop("socket_timeout")
    return configured.clone(transport_options=options)


def broker() -> str:
    """The broker's address without its password."""
    return str(current_app.connection_for_write().as_uri())


def _new_sender() -> Sender:
    # By the module's name when it is called, so that a test may put another in its place.
    return Sender(lambda task: wake(task), pause, EVERY_S)


_sender = _new_sender()


def _renew() -> None:
    """A process that was forked has no thread of its parent's, which sends what it was asked."""
    global _sender
    _sender = _new_sender()


os.register_at_fork(after_in_child=_renew)
atexit.register(lambda: _sender.flush(EXIT_WAIT_S))
