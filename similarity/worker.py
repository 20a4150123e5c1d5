"""A worker's behaviour at its start, during its life and at its end, apart from its tasks."""

import logging
import threading
from functools import partial
from typing import Any

from celery import current_app
from celery.signals import (
    celeryd_after_setup,
    heartbeat_sent,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from django.db import connections

from similarity import conf
from similarity.connections import metrics_export, wakeup
from similarity.encoders.device import note_worker_processes
from similarity.exceptions import SimilarityError
from similarity.extension import extensions
from similarity.outbox import fallback_poller, polling
from similarity.vectors import heartbeats

logger = logging.getLogger(__name__)

#: Seconds between two signs of life of a worker that sends no heartbeats.
ALIVE_EVERY_S = 5.0

_ended = threading.Event()


def takes_from(queue: str) -> bool:
    """Return True if this process belongs to a worker that takes from that queue."""
    return queue in current_app.amqp.queues.consume_from


def _embeds() -> bool:
    return takes_from(conf.get("WORKERS", "QUEUE"))


def _note_alive(**kwargs: Any) -> None:
    """Note a sign of life of workers on the plugin's queue, and call the extensions."""
    if _embeds():
        heartbeats.note()
    for extension in extensions():
        extension.worker_is_alive()


def _stay_known(**kwargs: Any) -> None:
    """Note signs of life in a thread, because ``--without-heartbeat`` sends no heartbeats."""
    _ended.clear()
    threading.Thread(target=_note_until_the_end, name="similarity-alive", daemon=True).start()


def _note_until_the_end() -> None:
    while not _ended.wait(ALIVE_EVERY_S):
        _note_alive()
        connections.close_all()  # for a cache in a database table


def _be_forgotten(**kwargs: Any) -> None:
    _ended.set()


def _serve_metrics(**kwargs: Any) -> None:
    """Serve metrics, because workers have no HTTP server; a wrong address stops no worker."""
    if (address := conf.get("MONITORING", "ADDRESS")) is None:
        return
    try:
        metrics_export.serve(address)
    except SimilarityError as error:
        logger.error("Metrics are not served: %s", error)


def _take_up(**kwargs: Any) -> None:
    """Wake a worker at its start, because its predecessor may have left work behind."""
    if _embeds():
        wakeup.wake()


def _poll(sender: Any = None, **kwargs: Any) -> None:
    """Poll in the processes that do the work: those of the pool, or a worker without a pool."""
    pool = getattr(sender, "pool", None)
    if pool is not None and pool.__class__.__module__ == "celery.concurrency.prefork":
        return
    if _embeds():
        polling.start()


def _poll_no_more(**kwargs: Any) -> None:
    polling.stop()


def _watch_pool(instance: Any, **kwargs: Any) -> None:
    """Watch from the parent of a prefork pool, before the pool exists: the broker may be down."""
    if "prefork" in instance.pool_cls.__module__ and _embeds():
        fallback_poller.start(partial(_pool_processes, instance))


def _pool_processes(worker: Any) -> list[int]:
    pool = getattr(worker, "pool", None)
    return list(pool.info["processes"]) if pool is not None and pool.active else []


def _watch_no_more(**kwargs: Any) -> None:
    fallback_poller.stop()


def _speak_as_one(**kwargs: Any) -> None:
    heartbeats.speak_as_one()


heartbeat_sent.connect(_note_alive, dispatch_uid="similarity.note_alive")
worker_ready.connect(_note_alive, dispatch_uid="similarity.note_alive")
worker_ready.connect(_stay_known, dispatch_uid="similarity.stay_known")
worker_shutdown.connect(_be_forgotten, dispatch_uid="similarity.be_forgotten")
celeryd_after_setup.connect(note_worker_processes, dispatch_uid="similarity.note_processes")
worker_ready.connect(_serve_metrics, dispatch_uid="similarity.serve_metrics")
worker_ready.connect(_take_up, dispatch_uid="similarity.take_up")
worker_process_init.connect(_poll, dispatch_uid="similarity.poll")
worker_ready.connect(_poll, dispatch_uid="similarity.poll")
worker_process_shutdown.connect(_poll_no_more, dispatch_uid="similarity.poll_no_more")
worker_shutdown.connect(_poll_no_more, dispatch_uid="similarity.poll_no_more")
celeryd_after_setup.connect(_watch_pool, dispatch_uid="similarity.watch_pool")
worker_shutting_down.connect(_watch_no_more, dispatch_uid="similarity.watch_no_more")
worker_shutdown.connect(_watch_no_more, dispatch_uid="similarity.watch_no_more")
celeryd_after_setup.connect(_speak_as_one, dispatch_uid="similarity.speak_as_one")
