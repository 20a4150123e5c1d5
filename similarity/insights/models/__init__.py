"""Tables of the map and of near-duplicates."""

from similarity.insights.models.catalogue_maps import CatalogueMap
from similarity.insights.models.duplicates import DuplicateListing

__all__ = ["CatalogueMap", "DuplicateListing"]
