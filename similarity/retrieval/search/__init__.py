"""Search: by words, by meaning, and both as one."""

from similarity.retrieval.search.engine import search
from similarity.retrieval.search.page import FacetValue, Outcome, SearchPage
from similarity.retrieval.search.suggest import Suggestion, suggest
from similarity.retrieval.search.words import QueryWords, parse_query

__all__ = [
    "FacetValue",
    "Outcome",
    "QueryWords",
    "SearchPage",
    "Suggestion",
    "parse_query",
    "search",
    "suggest",
]
