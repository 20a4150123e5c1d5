"""Celery tasks of events."""

import logging

from celery import shared_task

from similarity.events import retention

logger = logging.getLogger(__name__)


@shared_task(name="similarity.keep_partitions", ignore_result=True)
def keep_partitions() -> None:
    """Create partitions of events ahead, drop old ones, and sweep what was left behind."""
    retention.tidy()
