"""Insights in the admin: the map of the catalogue and near-duplicates."""

from similarity.insights.admin import catalogue_map, duplicates

__all__ = ["catalogue_map", "duplicates"]
