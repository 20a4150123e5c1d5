"""Scores for attributes that a query names: a brand, a colour, a kind, a size, a price."""

from collections.abc import Sequence

import numpy as np

from similarity.catalog import wording
from similarity.catalog.content import LEVEL
from similarity.search.reranking.word_scores import QueryDocument
from similarity.search.words import PriceRange, QueryWords
from similarity.types import DoubleArray


def attribute_scores(query: QueryWords, documents: Sequence[QueryDocument | None]) -> DoubleArray:
    """Return (N,) scores in [-1, 1] for how far each product has the attributes the query names.

    A value is recognised if all its words are in the query and a product of the list has it. For
    each named attribute, a product with the value gains, a product with another value loses, and a
    product without the attribute does neither.
    """
    asked = set(query.words)
    wanted = _recognised(asked, documents)
    scores = np.zeros(len(documents))
    if not wanted:
        return scores
    for row, document in enumerate(documents):
        if document is None:
            continue
        named = {value.partition("=")[0] for value in document.values}
        own = set(document.values)
        for name, values in wanted.items():
            if own & values:
                scores[row] += 1
            elif name in named:
                scores[row] -= 1
    return scores / len(wanted)


def price_scores(wanted: PriceRange | None, prices: Sequence[float | None]) -> DoubleArray:
    """Return (N,) scores: 1 within the range, falling to -1 at twice its end or half its start.

    All scores are 0 if the query names no price. Prices are in the shop's currency. A product
    without a price has 0.
    """
    scores = np.zeros(len(prices))
    if wanted is None:
        return scores
    for row, price in enumerate(prices):
        if price is None:
            continue
        over = max(price / float(wanted.high) - 1, 0.0) if wanted.high else 0.0
        under = max(float(wanted.low) / price - 1, 0.0) if wanted.low and price > 0 else 0.0
        scores[row] = max(1 - 2 * max(over, under), -1.0)
    return scores


def _recognised(asked: set[str], documents: Sequence[QueryDocument | None]) -> dict[str, set[str]]:
    """Return attribute → its values (``name=value``) whose words are all in the query."""
    every = {value for document in documents if document for value in document.values}
    wanted: dict[str, set[str]] = {}
    for value in every:
        name, _, text = value.partition("=")
        words = wording.words_of(text.rsplit(LEVEL, 1)[-1])
        if words and asked.issuperset(words):
            wanted.setdefault(name, set()).add(value)
    return wanted
