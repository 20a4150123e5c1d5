"""Search by words and by meaning, suggestions, search by picture, and re-ranking.

The public door of the app: import nothing deeper.
"""

from similarity.lazy import lazy_door

_DOOR = {
    "FacetValue": "similarity.search.page",
    "Outcome": "similarity.search.page",
    "PictureUnavailable": "similarity.search.picture",
    "QueryWords": "similarity.search.words",
    "SearchPage": "similarity.search.page",
    "Suggestion": "similarity.search.suggestions",
    "asked_by": "similarity.search.asked_often",
    "parse_query": "similarity.search.words",
    "rerank": "similarity.search.reranking.rerank",
    "search": "similarity.search.engine",
    "search_by_picture": "similarity.search.picture",
    "suggest": "similarity.search.suggestions",
}
__all__ = sorted(_DOOR)
__getattr__, __dir__ = lazy_door(__name__, _DOOR)
