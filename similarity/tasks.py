"""Celery tasks, on the queue ``SIMILARITY["WORKERS"]["QUEUE"]``.

A worker is started with ``celery -A <project> worker -Q similarity``. It polls the outbox by
itself (``similarity.outbox.polling``); messages make it quicker, and
:func:`similarity.beat_schedule` in the host's ``CELERY_BEAT_SCHEDULE`` does the daily work.
"""

import logging
from collections.abc import Callable
from functools import partial

from celery import shared_task
from django.db import OperationalError

from similarity import worker  # noqa: F401 - connects what a worker does beside its tasks
from similarity.connections import wakeup
from similarity.connections.locks import LockTaken
from similarity.exceptions import SimilarityError
from similarity.models import EncoderVersion
from similarity.outbox import draining, polling, reconcile
from similarity.vectors import fusions, indexes, shared_photos
from similarity.versions import build, floors, lifecycle

logger = logging.getLogger(__name__)

#: Longest one task works on the outbox before it gives way to others of its queue.
BUDGET_S = 20.0


@shared_task(name=wakeup.TASK, ignore_result=True)
def drain_outbox() -> int:
    """Embed what waits, for ``BUDGET_S`` at most; goes on in a new task while rows are due."""
    try:
        with polling.by_task() as free:
            taken = draining.drain(BUDGET_S) if free else 0
    except (SimilarityError, OperationalError) as error:
        # The rows are kept and tried again: a traceback each time would say no more.
        logger.error("The outbox is not drained: %s", error)
        return 0
    if taken and draining.has_due():
        wakeup.wake()
    return taken


@shared_task(name="similarity.reconcile", ignore_result=True)
def reconcile_catalogue() -> int:
    """A slice of a round through the catalogue, when one is due; returns products compared."""
    report = reconcile.run_slice()
    return report.checked if report else 0


@shared_task(name="similarity.drop_retired_versions", ignore_result=True)
def drop_retired_versions() -> list[int]:
    """Drop versions retired for a day or longer, but the one kept for rolling back."""
    return lifecycle.drop_retired(older_than=lifecycle.KEPT_FOR)


@shared_task(name=build.TASK, ignore_result=True)
def build_version(asked_at: float) -> None:
    """Build a version with the present settings, in steps of ``BUDGET_S``, so that changes of
    products are embedded in between.

    ``asked_at``: seconds since 1970. A version begun since answers it: asked twice, or
    delivered twice, one is built.
    """
    if lifecycle.begun_since(asked_at):
        _build_step(partial(lifecycle.go_on, BUDGET_S))
    else:
        _build_step(partial(lifecycle.build_version, budget_s=BUDGET_S, by="worker"))


@shared_task(name=build.GO_ON_TASK, ignore_result=True)
def go_on_building() -> None:
    """Go on with a version that a worker began to build and nobody is at."""
    _build_step(partial(lifecycle.go_on, BUDGET_S))


def _build_step(step: Callable[[], EncoderVersion | None]) -> None:
    try:
        version = step()
    except LockTaken:  # somebody is at it
        return
    except SimilarityError as error:
        logger.error("No version is built: %s", error)
        return
    if version is not None and version.status == EncoderVersion.Status.BUILDING:
        wakeup.wake(build.GO_ON_TASK)  # never the other, which may begin another version


@shared_task(name=build.COMPARE_TASK, ignore_result=True)
def compare_version(pk: int) -> None:
    """Build the indexes a version lacks and take its figures beside the live one's."""
    try:
        lifecycle.prepare(lifecycle.find(pk))
    except SimilarityError as error:
        logger.error("Version %s is not prepared for promotion: %s", pk, error)


@shared_task(name="similarity.learn_floors", ignore_result=True)
def learn_floors() -> None:
    """Learn anew where shelves stop, of the versions that are live or ready to be."""
    for version in fusions.every_version().maintained():
        if version.status != EncoderVersion.Status.BUILDING:
            floors.learn(version)


@shared_task(name="similarity.settle_inputs", ignore_result=True)
def settle_inputs() -> int:
    """Judge anew which inputs many unlike products share; returns how many are embedded again."""
    return shared_photos.settle_all()


@shared_task(name="similarity.tidy_cells", ignore_result=True)
def tidy_cells() -> None:
    """Mend the cells of the versions that are kept up to date, and make those that are due."""
    for version in fusions.every_version().maintained():
        try:
            if done := indexes.tidy(version):
                logger.info("Cells of version %d: %s.", version.pk, done)
        except SimilarityError as error:
            logger.error("The cells of version %d are not tidied: %s", version.pk, error)
