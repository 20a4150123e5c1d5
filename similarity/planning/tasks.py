"""Celery tasks of planning."""

import logging

from celery import shared_task

from similarity.exceptions import SimilarityError
from similarity.planning import co_demand

logger = logging.getLogger(__name__)


@shared_task(name="similarity.keep_co_demand", ignore_result=True)
def keep_co_demand() -> None:
    """Update the co-demand reports in the admin."""
    try:
        co_demand.keep_weekly()
    except SimilarityError as error:
        logger.error("Co-demand was not updated: %s", error)
