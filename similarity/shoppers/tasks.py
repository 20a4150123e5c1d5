"""Celery tasks of personal shelves."""

from celery import shared_task

from similarity.shoppers import public_counts


@shared_task(name="similarity.count_public_shelves", ignore_result=True)
def count_public_shelves() -> None:
    """Release today's trending products and what people also viewed, once a day."""
    public_counts.count_public_shelves()
