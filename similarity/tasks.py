"""Celery tasks, on the queue ``SIMILARITY["QUEUE"]``.

A worker is started with ``celery -A <project> worker -Q similarity``. It polls the outbox by
itself (``similarity.indexing.polling``); messages make it quicker, and
``similarity.conf.BEAT_SCHEDULE`` in the host's ``CELERY_BEAT_SCHEDULE`` does the daily work.
"""

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from celery import current_app, shared_task
from celery.signals import (
    celeryd_after_setup,
    heartbeat_sent,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from django.db import OperationalError, connections

from similarity import conf
from similarity.catalog.orders import get_order_adapter
from similarity.connections import caching, mailbox, metrics_export, wakeup
from similarity.connections.locks import LockTaken
from similarity.connections.pause import Pause
from similarity.copurchase import co_demand, full, proposals, runs, updating
from similarity.encoders.device import note_worker_processes
from similarity.exceptions import SimilarityError
from similarity.indexing import (
    floors,
    indexes,
    maintained,
    outbox,
    polling,
    progress,
    queries,
    query_floors,
    reconcile,
    retiring,
    shared,
    stand_in,
    vectors,
    versions,
    vocabulary,
    workers,
)
from similarity.models import DuplicateListing, EncoderVersion
from similarity.retrieval import duplicates
from similarity.training import catalogue_map

logger = logging.getLogger(__name__)

#: While it lasts the log need not say again that two projects share a queue.
_told_of_project = Pause(60.0)

#: Longest one task works on the outbox before it gives way to others of its queue.
BUDGET_S = 20.0

#: Seconds between two signs of life of a worker that sends no heartbeats.
ALIVE_EVERY_S = 5.0

_ended = threading.Event()


@shared_task(name=wakeup.TASK, ignore_result=True)
def drain_outbox() -> int:
    """Embed what waits, for ``BUDGET_S`` at most; goes on in a new task while rows are due."""
    try:
        with polling.by_task() as free:
            taken = outbox.drain(BUDGET_S) if free else 0
    except (SimilarityError, OperationalError) as error:
        # The rows are kept and tried again: a traceback each time would say no more.
        logger.error("The outbox is not drained: %s", error)
        return 0
    if taken and outbox.has_due():
        wakeup.wake()
    return taken


@shared_task(name="similarity.reconcile", ignore_result=True)
def reconcile_catalogue() -> int:
    """A slice of a round through the catalogue, when one is due; returns products compared."""
    report = reconcile.run_slice()
    return report.checked if report else 0


@shared_task(name=runs.TASK, ignore_result=True)
def count_orders() -> int:
    """Count orders that changed, for ``BUDGET_S`` at most; a new task goes on while some wait."""
    try:
        counted = updating.count_pending(BUDGET_S)
    except SimilarityError as error:
        logger.error("Orders are not counted: %s", error)
        return 0
    if counted and updating.has_due():
        wakeup.wake(runs.TASK)
    return counted


@shared_task(name=runs.FULL_TASK, ignore_result=True)
def count_all_orders() -> None:
    """Count every order anew, as of today."""
    if get_order_adapter() is None:
        return
    try:
        full.count_all()
    except SimilarityError as error:
        logger.error("The orders are not counted anew: %s", error)


@shared_task(name="similarity.propose_bundles", ignore_result=True)
def propose_bundles() -> int:
    """Bring the proposals of bundles up to date; returns how many are new."""
    try:
        return proposals.propose_nightly()
    except SimilarityError as error:
        logger.error("No bundles are proposed: %s", error)
        return 0


@shared_task(name="similarity.count_words", ignore_result=True)
def count_words() -> bool:
    """Count the words of the search index anew, as ranking and spelling go by them."""
    return vocabulary.refresh()


@shared_task(name="similarity.learn_query_floors", ignore_result=True)
def learn_query_floors() -> None:
    """Learn anew how near to a query a product must be to count as near."""
    query_floors.refresh()


@shared_task(name="similarity.drop_retired_versions", ignore_result=True)
def drop_retired_versions() -> list[int]:
    """Drop versions retired for a day or longer, but the one kept for rolling back."""
    return retiring.drop_retired(older_than=retiring.KEPT_FOR)


@shared_task(name=progress.TASK, ignore_result=True)
def build_version(asked_at: float) -> None:
    """Build a version with the present settings, in steps of ``BUDGET_S``, so that changes of
    products are embedded in between.

    ``asked_at``: seconds since 1970. A version begun since answers it: asked twice, or
    delivered twice, one is built.
    """
    if versions.begun_since(asked_at):
        _build_step(partial(versions.go_on, BUDGET_S))
    else:
        _build_step(partial(versions.build_version, budget_s=BUDGET_S, by="worker"))


@shared_task(name=progress.GO_ON_TASK, ignore_result=True)
def go_on_building() -> None:
    """Go on with a version that a worker began to build and nobody is at."""
    _build_step(partial(versions.go_on, BUDGET_S))


def _build_step(step: Callable[[], EncoderVersion | None]) -> None:
    try:
        version = step()
    except LockTaken:  # somebody is at it
        return
    except SimilarityError as error:
        logger.error("No version is built: %s", error)
        return
    if version is not None and version.status == EncoderVersion.Status.BUILDING:
        wakeup.wake(progress.GO_ON_TASK)  # never the other, which may begin another version


@shared_task(name=progress.COMPARE_TASK, ignore_result=True)
def compare_version(pk: int) -> None:
    """Build the indexes a version lacks and take its figures beside the live one's."""
    try:
        versions.prepare(versions.find(pk))
    except SimilarityError as error:
        logger.error("Version %s is not prepared for promotion: %s", pk, error)


@shared_task(name=mailbox.TASK, ignore_result=True, bind=True)
def answer_question(self: Any, *arguments: Any) -> bool:
    """Answer a page that waits; see ``similarity.connections.mailbox``."""
    if (handed_back := mailbox.of_another_project(arguments)) is not None:
        _hand_back(handed_back, (self.request.delivery_info or {}).get("routing_key"))
        return False
    try:
        return queries.answer(arguments)
    except SimilarityError as error:
        # The page goes on without; a traceback each time would say no more.
        logger.error("A question is not answered: %s", error)
        return False


def _hand_back(arguments: list[Any], queue: str | None) -> None:
    """Leave a question to the workers of the project that asks it."""
    if not _told_of_project.lasts():
        _told_of_project.begin()
        logger.error(
            "Another project asks its questions on the queue %r of this broker, and each answers "
            "late or never. Give each project a database of the broker, or queues, of its own "
            "(SIMILARITY['QUEUE'], 'QUERY_QUEUE' and 'IMAGE_QUERY_QUEUE').",
            queue,
        )
    wakeup.wake(mailbox.TASK, args=arguments, queue=queue or conf.get("QUERY_QUEUE"), expires=5)


@shared_task(name="similarity.keep_query", ignore_result=True)
def keep_query(query: str, times: int) -> None:
    """Write down a query that is asked often."""
    queries.keep(query, times)


@shared_task(name=queries.TASK, ignore_result=True)
def prepare_hot_queries() -> int:
    """Make the vectors that queries asked often lack."""
    return queries.prepare()


@shared_task(name="similarity.map_catalogue", ignore_result=True)
def map_catalogue() -> None:
    """Draw the map of the catalogue that the admin shows."""
    try:
        catalogue_map.draw()
    except SimilarityError as error:
        logger.error("The catalogue is not drawn: %s", error)


@shared_task(name="similarity.find_duplicates", ignore_result=True)
def find_duplicates(threshold: float = duplicates.THRESHOLD) -> int:
    """Bring the near-duplicate listings of the admin up to date; returns how many are open.

    ``threshold``: the least cosine of text and of picture, 0.5 to 1.
    """
    try:
        search = duplicates.DuplicateSearch(threshold)
        found = duplicates.find_duplicates(search, using=vectors.alias())
    except SimilarityError as error:
        logger.error("No near-duplicates are looked for: %s", error)
        return 0
    return DuplicateListing.objects.replace(found)


@shared_task(name="similarity.keep_co_demand", ignore_result=True)
def keep_co_demand() -> None:
    """Bring the co-demand of the admin up to date."""
    try:
        co_demand.keep_weekly()
    except SimilarityError as error:
        logger.error("No co-demand is kept: %s", error)


@shared_task(name="similarity.learn_floors", ignore_result=True)
def learn_floors() -> None:
    """Learn anew where shelves stop, of the versions that are live or ready to be."""
    for version in maintained.every_version().maintained():
        if version.status != EncoderVersion.Status.BUILDING:
            floors.learn(version)


@shared_task(name="similarity.settle_inputs", ignore_result=True)
def settle_inputs() -> int:
    """Judge anew which inputs many unlike products share; returns how many are embedded again."""
    return shared.settle_all()


@shared_task(name="similarity.tidy_cells", ignore_result=True)
def tidy_cells() -> None:
    """Mend the cells of the versions that are kept up to date, and make those that are due."""
    for version in maintained.every_version().maintained():
        try:
            if done := indexes.tidy(version):
                logger.info("Cells of version %d: %s.", version.pk, done)
        except SimilarityError as error:
            logger.error("The cells of version %d are not tidied: %s", version.pk, error)


def _takes_from(setting: str) -> bool:
    """Whether this process is a worker's that takes from the queue of that setting."""
    return conf.get(setting) in current_app.amqp.queues.consume_from


def _note_alive(**kwargs: Any) -> None:
    """Only workers that take from our queue count."""
    if _takes_from("QUEUE"):
        workers.note()
    for queue in (mailbox.QUERIES, mailbox.PICTURES):
        if _takes_from(queue):
            caching.attempt(partial(mailbox.note_alive, queue))


def _stay_known(**kwargs: Any) -> None:
    """Say so without heartbeats too (``--without-heartbeat``), by a thread of the worker."""
    _ended.clear()
    threading.Thread(target=_note_until_the_end, name="similarity-alive", daemon=True).start()


def _note_until_the_end() -> None:
    while not _ended.wait(ALIVE_EVERY_S):
        _note_alive()
        connections.close_all()  # of a cache that is a table


def _be_forgotten(**kwargs: Any) -> None:
    _ended.set()


def _serve_metrics(**kwargs: Any) -> None:
    """Workers have no HTTP server; a wrong address must not keep one from starting."""
    if (address := conf.get("METRICS_ADDRESS")) is None:
        return
    try:
        metrics_export.serve(address)
    except SimilarityError as error:
        logger.error("Metrics are not served: %s", error)


def _take_up(**kwargs: Any) -> None:
    """A worker that starts looks at once for what the one before it left behind."""
    if _takes_from("QUEUE"):
        wakeup.wake()


def _poll(sender: Any = None, **kwargs: Any) -> None:
    """In the processes that do the work: those of the pool, or the worker itself without any."""
    pool = getattr(sender, "pool", None)
    if pool is not None and pool.__class__.__module__ == "celery.concurrency.prefork":
        return
    if _takes_from("QUEUE"):
        polling.start()


def _poll_no_more(**kwargs: Any) -> None:
    polling.stop()


def _watch_pool(instance: Any, **kwargs: Any) -> None:
    """In the parent of a prefork pool, before it has one: the broker may be away by then."""
    if "prefork" in instance.pool_cls.__module__ and _takes_from("QUEUE"):
        stand_in.start(partial(_pool_processes, instance))


def _pool_processes(worker: Any) -> list[int]:
    pool = getattr(worker, "pool", None)
    return list(pool.info["processes"]) if pool is not None and pool.active else []


def _watch_no_more(**kwargs: Any) -> None:
    stand_in.stop()


def _speak_as_one(**kwargs: Any) -> None:
    workers.speak_as_one()


def _warm_up(**kwargs: Any) -> None:
    """A worker of queries loads its networks before the first shopper waits for them.

    In a thread, for Celery ends a process that is not up within seconds.
    """
    texts, pictures = _takes_from(mailbox.QUERIES), _takes_from(mailbox.PICTURES)
    if texts or pictures:
        load = partial(_load_networks, texts=texts, pictures=pictures)
        threading.Thread(target=load, name="similarity-warm-up", daemon=True).start()


def _load_networks(*, texts: bool, pictures: bool) -> None:
    try:
        queries.warm_up(texts=texts, pictures=pictures)
    except Exception as error:  # noqa: BLE001 - a door: the first question will say the same
        logger.warning("The networks for queries are not loaded ahead: %s", error)
    finally:
        connections.close_all()


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
worker_process_init.connect(_warm_up, dispatch_uid="similarity.warm_up")
