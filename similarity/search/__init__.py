"""Search by words and by meaning, suggestions, search by picture, and re-ranking.

The public door of the app: shops import only from here.
"""

from typing import TYPE_CHECKING

from similarity.lazy import lazy_door

if TYPE_CHECKING:
    from similarity.exceptions import RankerError as RankerError
    from similarity.search.api.uploads import PictureThrottle as PictureThrottle
    from similarity.search.api.uploads import bound_picture_upload as bound_picture_upload
    from similarity.search.engine import search as search
    from similarity.search.page import FacetValue as FacetValue
    from similarity.search.page import Outcome as Outcome
    from similarity.search.page import PriceBucket as PriceBucket
    from similarity.search.page import SearchPage as SearchPage
    from similarity.search.picture import PictureUnavailable as PictureUnavailable
    from similarity.search.picture import encode_picture as encode_picture
    from similarity.search.picture import load_picture_vector as load_picture_vector
    from similarity.search.picture import search_by_picture as search_by_picture
    from similarity.search.picture import store_picture_vector as store_picture_vector
    from similarity.search.prices import PriceRange as PriceRange
    from similarity.search.query_counts import asked_by as asked_by
    from similarity.search.query_vectors import encode_query as encode_query
    from similarity.search.reranking.rerank import Reranked as Reranked
    from similarity.search.reranking.rerank import rerank as rerank
    from similarity.search.suggestions import Suggestion as Suggestion
    from similarity.search.suggestions import suggest as suggest
    from similarity.search.words import QueryWords as QueryWords
    from similarity.search.words import parse_query as parse_query

_DOOR = {
    "FacetValue": "similarity.search.page",
    "Outcome": "similarity.search.page",
    "PictureThrottle": "similarity.search.api.uploads",
    "PictureUnavailable": "similarity.search.picture",
    "PriceBucket": "similarity.search.page",
    "PriceRange": "similarity.search.prices",
    "QueryWords": "similarity.search.words",
    "RankerError": "similarity.exceptions",
    "Reranked": "similarity.search.reranking.rerank",
    "SearchPage": "similarity.search.page",
    "Suggestion": "similarity.search.suggestions",
    "asked_by": "similarity.search.query_counts",
    "bound_picture_upload": "similarity.search.api.uploads",
    "encode_picture": "similarity.search.picture",
    "encode_query": "similarity.search.query_vectors",
    "load_picture_vector": "similarity.search.picture",
    "parse_query": "similarity.search.words",
    "rerank": "similarity.search.reranking.rerank",
    "search": "similarity.search.engine",
    "search_by_picture": "similarity.search.picture",
    "store_picture_vector": "similarity.search.picture",
    "suggest": "similarity.search.suggestions",
}
__all__ = sorted(_DOOR)

if not TYPE_CHECKING:  # type checkers must not accept a wrong name as a lazy import
    __getattr__, __dir__ = lazy_door(__name__, _DOOR)
