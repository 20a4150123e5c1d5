"""Celery tasks of personal shelves."""

from logging import getLogger

from celery import shared_task

from similarity.exceptions import SimilarityError
from similarity.shoppers import public_counts

logger = getLogger(__name__)


@shared_task(name="similarity.count_public_shelves", ignore_result=True)
def count_public_shelves() -> None:
    """Release today's trending products and what people also viewed, once a day."""
    public_counts.count_public_shelves()


@shared_task(name="similarity.train_shoppers", ignore_result=True)
def train_shoppers() -> None:
    """Train the models of shoppers, and make those live that the gate finds better."""
    from similarity.shoppers.training.nightly import train_nightly

    try:
        train_nightly()
    except SimilarityError as error:
        logger.error("No model of shoppers was trained: %s", error)
