"""Celery tasks of search, and the start of a worker of queries."""

import logging
import threading
from functools import partial
from typing import Any

from celery import shared_task
from celery.signals import worker_process_init
from django.db import connections

from similarity import conf
from similarity.connections import wakeup
from similarity.connections.pause import Pause
from similarity.exceptions import SimilarityError
from similarity.search import mailbox, queries, query_floors, vocabulary
from similarity.worker import takes_from

logger = logging.getLogger(__name__)

#: While this lasts, the log does not repeat that two projects share a queue.
_told_of_project = Pause(60.0)


@shared_task(name="similarity.count_words", ignore_result=True)
def count_words() -> bool:
    """Count the words of the search index again, because ranking and spelling use the counts."""
    return vocabulary.refresh()


@shared_task(name="similarity.learn_query_floors", ignore_result=True)
def learn_query_floors() -> None:
    """Learn the query floors again: how near a product must be to a query to count as near."""
    query_floors.refresh()


@shared_task(name=mailbox.TASK, ignore_result=True, bind=True)
def answer_question(self: Any, *arguments: Any) -> bool:
    """Answer a waiting page; see ``similarity.search.mailbox``."""
    if (handed_back := mailbox.of_another_project(arguments)) is not None:
        _hand_back(handed_back, (self.request.delivery_info or {}).get("routing_key"))
        return False
    try:
        return queries.answer(arguments)
    except SimilarityError as error:
        # The page continues without the answer; a traceback each time would not help.
        logger.error("A question was not answered: %s", error)
        return False


def _hand_back(arguments: list[Any], queue: str | None) -> None:
    """Return a question to the queue, for the workers of the project that asks it."""
    if not _told_of_project.lasts():
        _told_of_project.begin()
        logger.error(
            "Another project sends its questions to the queue %r of this broker, so answers come "
            "late or never. Give each project its own database of the broker, or its own queues "
            "(SIMILARITY['WORKERS']['QUEUE'], and QUEUE and PICTURE_QUEUE of "
            "SIMILARITY['SEARCH']).",
            queue,
        )
    wakeup.wake(mailbox.TASK, args=arguments, queue=queue or conf.get("SEARCH", "QUEUE"), expires=5)


@shared_task(name="similarity.keep_query", ignore_result=True)
def keep_query(query: str, times: int) -> None:
    """Store a frequent query."""
    queries.keep(query, times)


@shared_task(name=queries.TASK, ignore_result=True)
def prepare_hot_queries() -> int:
    """Make the vectors that frequent queries lack."""
    return queries.prepare()


def _warm_up(**kwargs: Any) -> None:
    """Load the networks of a worker of queries before the first shopper waits for them.

    Runs in a thread, because Celery ends a process that is not up within seconds.
    """
    texts, pictures = (takes_from(conf.get("SEARCH", key)) for key in ("QUEUE", "PICTURE_QUEUE"))
    if texts or pictures:
        load = partial(_load_networks, texts=texts, pictures=pictures)
        threading.Thread(target=load, name="similarity-warm-up", daemon=True).start()


def _load_networks(*, texts: bool, pictures: bool) -> None:
    try:
        queries.warm_up(texts=texts, pictures=pictures)
    except Exception as error:  # noqa: BLE001 - a door: the first question will fail the same way
        logger.warning("The networks for queries are not loaded ahead: %s", error)
    finally:
        connections.close_all()


worker_process_init.connect(_warm_up, dispatch_uid="similarity.warm_up")
