"""The message that wakes a worker: only a hint, for the outbox holds the work.

It is sent after commit, at most once a transaction, and never lets an error through. A
broker that does not answer costs a save the time-out below, once: nothing is sent for
``PAUSE_S`` after, and beat drains what waits.
"""

import logging
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from celery import current_app
from django.db import transaction
from kombu import Connection, pools

from similarity import conf

logger = logging.getLogger(__name__)

TASK = "similarity.drain_outbox"

CONNECT_TIMEOUT_S = 1.0
PAUSE_S = 30.0

_paused_until = 0.0  # monotonic seconds; of this process


def on_commit(alias: str, task: str = TASK) -> None:
    """Send ``task`` once the transaction on ``alias`` is committed, at once without one."""
    waker = _waker(task)
    # Django drops callbacks with the savepoint they were given in, so its own list is
    # the only one that can tell whether a wake-up still stands.
    callbacks = transaction.get_connection(alias).run_on_commit
    if not any(callback is waker for _savepoints, callback, *_robust in callbacks):
        transaction.on_commit(waker, using=alias, robust=True)


@cache
def _waker(task: str) -> Callable[[], Any]:
    """One and the same callback for each task, so that a transaction's list tells it apart."""
    return partial(wake, task)


def wake(task: str = TASK, **options: Any) -> bool:
    """Ask for ``task`` now, a drain of the outbox; returns whether the broker took the message.

    ``options`` are Celery's own: ``args``, ``queue``, ``expires``.
    """
    global _paused_until
    if time.monotonic() < _paused_until:
        return False
    try:
        send(task, **options)
    except Exception as error:  # noqa: BLE001 - each transport raises its own errors
        _paused_until = time.monotonic() + PAUSE_S
        logger.warning(
            "The broker %s took no wake-up (%s: %s). Changes wait in the outbox until beat "
            "drains it; no wake-up is tried for %.0f s.",
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
    options = {"queue": conf.get("QUEUE"), "retry": False, "ignore_result": True, **options}
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
    }
    if configured.transport_cls not in ("redis", "rediss", "sentinel"):
        options.pop("socket_connect_timeout")
        options.pop("socket_timeout")
    return configured.clone(transport_options=options)


def broker() -> str:
    """The broker's address without its password."""
    return str(current_app.connection_for_write().as_uri())
