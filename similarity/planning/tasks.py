"""Celery tasks of planning."""

import logging

from celery import shared_task

from similarity.exceptions import SimilarityError
from similarity.planning import co_demand

logger = logging.getLogger(__name__)


@shared_task(name="similarity.keep_co_demand", ignore_result=True)
def keep_co_demand() -> None:
    """Bring the co-demand of the admin up to date."""
    try:
        co_demand.keep_weekly()
    except SimilarityError as error:
        logger.error("No co-demand is kept: %s", error)
