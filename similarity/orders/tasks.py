"""Celery tasks of orders."""

import logging

from celery import shared_task

from similarity.connections import wakeup
from similarity.exceptions import SimilarityError
from similarity.orders.adapter import get_order_adapter
from similarity.orders.bundles import proposals
from similarity.orders.counting import full, runs, updating
from similarity.tasks import BUDGET_S

logger = logging.getLogger(__name__)


@shared_task(name=runs.TASK, ignore_result=True)
def count_orders() -> int:
    """Count changed orders for at most ``BUDGET_S``; if some remain, enqueue a new task."""
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
    """Count every order again, as of today."""
    if get_order_adapter() is None:
        return
    try:
        full.count_all()
    except SimilarityError as error:
        logger.error("The full count of orders failed: %s", error)


@shared_task(name="similarity.propose_bundles", ignore_result=True)
def propose_bundles() -> int:
    """Update the proposals of bundles and return the number of new proposals."""
    try:
        return proposals.propose_nightly()
    except SimilarityError as error:
        logger.error("No bundles are proposed: %s", error)
        return 0
