"""Celery tasks, on the queue ``SIMILARITY["WORKERS"]["QUEUE"]``.

Start a worker with ``celery -A <project> worker -Q similarity``. It polls the outbox by itself
(``similarity.outbox.polling``); messages make it quicker. :func:`similarity.beat_schedule` in the
host's ``CELERY_BEAT_SCHEDULE`` schedules the daily work.
"""

import logging
from collections.abc import Callable
from functools import partial

from celery import shared_task
from django.db import OperationalError

from similarity import worker  # noqa: F401 - connects the worker's signals
from similarity.connections import wakeup
from similarity.connections.locks import LockTaken
from similarity.exceptions import SimilarityError
from similarity.models import EncoderVersion
from similarity.outbox import draining, polling, reconcile
from similarity.vectors import fusions, indexes, shared_photos, upsert
from similarity.versions import build, floors, lifecycle

logger = logging.getLogger(__name__)

#: Longest time one task works on the outbox, because other tasks of its queue wait.
BUDGET_S = 20.0


@shared_task(name=wakeup.TASK, ignore_result=True)
def drain_outbox() -> int:
    """Embed waiting products for at most ``BUDGET_S``; start a new task while rows are due.

    Returns the number of rows taken.
    """
    try:
        with polling.by_task() as free:
            taken = draining.drain(BUDGET_S) if free else 0
    except (SimilarityError, OperationalError) as error:
        # The rows stay and are tried again. A traceback each time would add no information.
        logger.error("The outbox is not drained: %s", error)
        return 0
    if taken and draining.has_due():
        wakeup.wake()
    return taken


@shared_task(name="similarity.reconcile", ignore_result=True)
def reconcile_catalogue() -> int:
    """Run a slice of a round through the catalogue if due; return the products compared."""
    report = reconcile.run_slice()
    return report.checked if report else 0


@shared_task(name="similarity.drop_retired_versions", ignore_result=True)
def drop_retired_versions() -> list[int]:
    """Drop versions retired for a day or longer, except the version kept for rolling back."""
    return lifecycle.drop_retired(older_than=lifecycle.KEPT_FOR)


@shared_task(name=build.TASK, ignore_result=True)
def build_version(asked_at: float) -> None:
    """Build a version with the present settings, in steps of ``BUDGET_S``, so that product
    changes are embedded in between.

    ``asked_at``: seconds since 1970. If a version was begun since then, continue with it: a
    second request or a second delivery must not build a second version.
    """
    if lifecycle.begun_since(asked_at):
        _build_step(partial(lifecycle.go_on, BUDGET_S))
    else:
        _build_step(partial(lifecycle.build_version, budget_s=BUDGET_S, by="worker"))


@shared_task(name=build.GO_ON_TASK, ignore_result=True)
def go_on_building() -> None:
    """Resume an unfinished build that no worker currently holds."""
    _build_step(partial(lifecycle.go_on, BUDGET_S))


def _build_step(step: Callable[[], EncoderVersion | None]) -> None:
    try:
        version = step()
    except LockTaken:  # another worker is building it
        return
    except SimilarityError as error:
        logger.error("No version is built: %s", error)
        return
    if version is not None and version.status == EncoderVersion.Status.BUILDING:
        wakeup.wake(build.GO_ON_TASK)  # not build.TASK, which may begin another version


@shared_task(name=build.COMPARE_TASK, ignore_result=True)
def compare_version(pk: int) -> None:
    """Build the indexes a version lacks, and measure it against the live version."""
    try:
        lifecycle.prepare(lifecycle.find(pk))
    except SimilarityError as error:
        logger.error("Version %s is not prepared for promotion: %s", pk, error)


@shared_task(name="similarity.learn_floors", ignore_result=True)
def learn_floors() -> None:
    """Learn again where shelves stop, for versions that are live or ready."""
    for version in fusions.every_version().maintained():
        if version.status != EncoderVersion.Status.BUILDING:
            floors.learn(version)


@shared_task(name="similarity.settle_inputs", ignore_result=True)
def settle_inputs() -> int:
    """Find again which inputs many unlike products share; return how many are re-embedded."""
    return shared_photos.settle_all()


@shared_task(name="similarity.tidy_cells", ignore_result=True)
def tidy_cells() -> None:
    """Repair the cells of maintained versions and item sets, and create cells that are due."""
    items = EncoderVersion.every.using(upsert.alias()).item_sets().defer("fusion")
    for version in (*fusions.every_version().maintained(), *items):
        try:
            if done := indexes.tidy(version):
                logger.info("Cells of version %d: %s.", version.pk, done)
        except SimilarityError as error:
            logger.error("The cells of version %d are not tidied: %s", version.pk, error)
