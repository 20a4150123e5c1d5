"""Celery tasks of insights."""

import logging

from celery import shared_task

from similarity.exceptions import SimilarityError
from similarity.insights import catalogue_map, duplicates
from similarity.insights.models import DuplicateListing
from similarity.vectors import upsert

logger = logging.getLogger(__name__)


@shared_task(name="similarity.map_catalogue", ignore_result=True)
def map_catalogue() -> None:
    """Draw the map of the catalogue that the admin shows."""
    try:
        catalogue_map.draw_catalogue_map()
    except SimilarityError as error:
        logger.error("The map of the catalogue was not drawn: %s", error)


@shared_task(name="similarity.find_duplicates", ignore_result=True)
def find_duplicates(threshold: float = duplicates.THRESHOLD) -> int:
    """Update the near-duplicate listings in the admin and return the number of open pairs.

    ``threshold`` is the lowest cosine of text and of picture, 0.5 to 1.
    """
    try:
        search = duplicates.DuplicateSearch(threshold)
        found = duplicates.find_duplicates(search, using=upsert.alias())
    except SimilarityError as error:
        logger.error("The search for near-duplicates failed: %s", error)
        return 0
    return DuplicateListing.objects.replace(found)
