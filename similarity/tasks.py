"""Celery tasks, on the queue ``SIMILARITY["QUEUE"]``.

A worker is started with ``celery -A <project> worker -Q similarity``. With
``similarity.conf.BEAT_SCHEDULE`` in the host's ``CELERY_BEAT_SCHEDULE``, beat drains what a
lost message or a dead broker left behind.
"""

import logging
from typing import Any

from celery import current_app, shared_task
from celery.signals import celeryd_after_setup, heartbeat_sent

from similarity import conf
from similarity.connections import mailbox, wakeup
from similarity.copurchase import proposals
from similarity.encoders.device import note_worker_processes
from similarity.exceptions import SimilarityError
from similarity.indexing import outbox, versions, workers

logger = logging.getLogger(__name__)

#: Longest one task works on the outbox before it gives way to others of its queue.
BUDGET_S = 20.0


@shared_task(name=wakeup.TASK, ignore_result=True)
def drain_outbox() -> int:
    """Embed what waits, for ``BUDGET_S`` at most; goes on in a new task while rows are due."""
    try:
        taken = outbox.drain(BUDGET_S)
    except SimilarityError as error:
        # The rows are kept and beat tries again: a traceback each time would say no more.
        logger.error("The outbox is not drained: %s", error)
        return 0
    if taken and outbox.has_due():
        wakeup.wake()
    return taken


@shared_task(name="similarity.drop_retired_versions", ignore_result=True)
def drop_retired_versions() -> list[int]:
@shared_task(name="similarity.propose_bundles", ignore_result=True)
def propose_bundles() -> int:
    """Bring the proposals of bundles up to date; returns how many are new."""
    try:
        return proposals.propose_nightly()
    except SimilarityError as error:
        logger.error("No bundles are proposed: %s", error)
        return 0


    """Drop the versions that were retired, but the one kept for rolling back."""
    return versions.drop_retired()


def _note_alive(**kwargs: Any) -> None:
    """Only workers that take from our queue count."""
    if conf.get("QUEUE") in current_app.amqp.queues.consume_from:
        workers.note()


heartbeat_sent.connect(_note_alive, dispatch_uid="similarity.note_alive")
celeryd_after_setup.connect(note_worker_processes, dispatch_uid="similarity.note_processes")
