"""``search``: a shopper's words in, a page of products out."""

import time
from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from similarity import conf
from similarity.catalog.adapter import get_adapter
from similarity.exceptions import QueryError
from similarity.retrieval.hits import Hit
from similarity.retrieval.search import ranking, terms
from similarity.retrieval.search.lexical import LexicalQuery
from similarity.retrieval.search.page import Position, SearchPage
from similarity.retrieval.search.ranking import MAX_DEPTH
from similarity.retrieval.search.synonyms import synonyms
from similarity.retrieval.search.words import parse_query
from similarity.retrieval.stored import FloatArray
from similarity.retrieval.within import Within


def search(
    text: str,
    limit: int = 24,
    *,
    within: QuerySet[Any] | None = None,
    sort: str = "relevance",
    after: str | None = None,
    facets: Sequence[str] = (),
    vector: FloatArray | None = None,
) -> SearchPage:
    """Products that answer a query."""
    started = time.perf_counter()
    adapter = get_adapter()
    room = Within(adapter.eligible() if within is None else within)
    if not isinstance(limit, int) or not 1 <= limit <= conf.get("MAX_LIMIT"):
        raise QueryError(f"limit is {limit!r}; pass a whole number from 1 to MAX_LIMIT.")
    words = parse_query(text, using=room.using)
    others = terms.spans(words, synonyms(room.using))
    looked, total = terms.look_up(terms.texts_of(words, others), room.using)
    query = LexicalQuery(terms.terms(words, others, looked), total)
    found, total, rescued = ranking.by_words(query, room)
    if vector is not None:
        found = ranking.fused(found, ranking.by_vector(vector, room))
    position = Position.parse(after) if after else None
    start = position.following([one.key for one in found]) if position else 0
    shown = found[start : start + limit]
    products = room.load(one.key for one in shown)
    hits = [
        Hit(str(one.key), min(one.score, 1.0), one.tier, product=products[one.key])
        for one in shown
        if one.key in products
    ]
    ended = start + len(shown)
    more = ended < min(len(found), MAX_DEPTH)
    token = Position(shown[-1].key, ended, vector is not None).token if more and shown else None
    return SearchPage(
        hits=hits,
        total=min(total, MAX_DEPTH),
        total_is_exact=total <= MAX_DEPTH,
        rescued=rescued,
        next=token,
        took_ms=(time.perf_counter() - started) * 1000,
    )
