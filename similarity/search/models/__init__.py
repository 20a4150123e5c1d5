"""Tables of search, by topic."""

from similarity.search.models.documents import (
    SearchDocument,
    SearchLexeme,
    SearchValue,
    SearchWord,
    Synonym,
)
from similarity.search.models.queries import HotQuery, HotQueryVector
from similarity.search.models.rankers import RankerVersion

__all__ = [
    "HotQuery",
    "HotQueryVector",
    "RankerVersion",
    "SearchDocument",
    "SearchLexeme",
    "SearchValue",
    "SearchWord",
    "Synonym",
]
