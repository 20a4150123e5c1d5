"""Insights from the vectors: a map of the catalogue, and near-duplicate listings.

This module is the public interface of the app. A shop imports only from here, except for the models
in ``similarity.insights.models``.
"""

from typing import TYPE_CHECKING

from similarity.lazy import lazy_door

if TYPE_CHECKING:
    from similarity.insights.catalogue_map import draw_catalogue_map as draw_catalogue_map
    from similarity.insights.duplicates import Duplicate as Duplicate
    from similarity.insights.duplicates import DuplicateSearch as DuplicateSearch
    from similarity.insights.duplicates import find_duplicates as find_duplicates

_DOOR = {
    "Duplicate": "similarity.insights.duplicates",
    "DuplicateSearch": "similarity.insights.duplicates",
    "draw_catalogue_map": "similarity.insights.catalogue_map",
    "find_duplicates": "similarity.insights.duplicates",
}
__all__ = sorted(_DOOR)

if not TYPE_CHECKING:  # type checkers must not take a wrong name for a lazy one
    __getattr__, __dir__ = lazy_door(__name__, _DOOR)
