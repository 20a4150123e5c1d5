"""The signals by which results are scored, one row for each result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from django.db.models import Exists, OuterRef, QuerySet

from similarity.catalog.adapter import PRICE, CatalogAdapter
from similarity.extension import first_known
from similarity.models import EncoderVersion
from similarity.models.stored_vectors import read_vectors
from similarity.search.budget import TimedReading
from similarity.search.reranking.attribute_scores import attribute_scores, price_scores
from similarity.search.reranking.host_results import Scores
from similarity.search.reranking.personal import UNKNOWN, Person, read_nearness
from similarity.search.reranking.word_scores import (
    QueryDocument,
    QueryTerm,
    read_documents,
    read_terms,
    word_scores,
)
from similarity.search.words import QueryWords
from similarity.types import DoubleArray, FloatArray


@dataclass(frozen=True)
class Facts:
    """Facts of the existing products: ``prices`` has all of them as keys."""

    prices: dict[Any, float | None] = field(default_factory=dict)
    in_stock: frozenset[Any] = frozenset()
    #: Sales relative to the best seller, on a logarithmic scale, 0 to 1.
    popularity: dict[Any, float] = field(default_factory=dict)


def read_facts(keys: Sequence[Any], adapter: CatalogAdapter, reading: TimedReading) -> Facts:
    """Return the current facts of the products of these keys.

    Needs two database queries, or three if no orders are counted.
    """
    every = adapter.model._base_manager.using(reading.using)
    products = every.filter(pk__in=keys).order_by()
    stocked = adapter.in_stock(every.filter(pk=OuterRef("pk")).order_by())
    priced = adapter.annotate_price(products)
    price = [PRICE] if PRICE in priced.query.annotations else []
    rows = priced.annotate(similarity_in_stock=Exists(stocked))
    reading.check()
    prices: dict[Any, float | None] = {}
    in_stock = set()
    for key, is_stocked, *one in rows.values_list("pk", "similarity_in_stock", *price):
        prices[key] = None if not one or one[0] is None else float(one[0])
        if is_stocked:
            in_stock.add(key)
    popularity = _sales(list(prices), reading)
    if not popularity:
        reading.check()
        popularity = _ranks(products, adapter)
    return Facts(prices, frozenset(in_stock), popularity)


def _sales(keys: Sequence[Any], reading: TimedReading) -> dict[Any, float]:
    """Return sales by the decayed weight of orders; empty if no orders are counted."""
    by_text = {str(key): key for key in keys}
    reading.check()
    names = list(by_text)
    weights: Mapping[str, float] = first_known(lambda one: one.sales(names, reading.using), {})
    logs = {by_text[key]: float(np.log1p(weight or 0)) for key, weight in weights.items()}
    most = max(logs.values(), default=0)
    return {key: value / most for key, value in logs.items()} if most else {}


def _ranks(products: QuerySet[Any], adapter: CatalogAdapter) -> dict[Any, float]:
    """Return ranks by the host's own order of sales, if the host has such an order."""
    best = adapter.popular(products)
    keys = [] if best is None else list(best.values_list("pk", flat=True))
    return {key: 1 - rank / len(keys) for rank, key in enumerate(keys)}


#: In the order of the columns. A learned ranker is stored with these names, and is used only if
#: they are the same.
SIGNALS = (
    "position",  # the host's own order: 1 for the first, ½ for the eleventh
    "score",  # the host's own score: 0 for the least of the list, 1 for the best
    "words",  # BM25 over title, brand, category, attributes, description
    "words_in_title",  # share of the query's words, rare words weighing more
    "words_found",  # the same over all of the product's texts
    "vector",  # cosine of query and product text, minus the list's mean, in its deviations
    "attributes",  # named in the query: 1 the product has them all, -1 it has others
    "price",  # 1 within the query's range, -1 far off
    "popularity",  # relative to the list's best seller, on a logarithmic scale
    "in_stock",  # 1 or 0
    "taste",  # cosine with the shopper's purchases, minus the list's mean, in its deviations
)
COLUMN = {name: at for at, name in enumerate(SIGNALS)}

_HALF_AT = 10.0  # places down the list that halve the signal of the position


@dataclass(frozen=True)
class Signals:
    """``values``: float64 (N, len(SIGNALS)); an unavailable signal is 0 for all.

    ``known``: bool (N,), True for results that are existing products. ``lacking`` names the
    unavailable signals.
    """

    values: DoubleArray
    known: np.ndarray
    lacking: tuple[str, ...] = ()


class Read(NamedTuple):
    """Data on N results and on the query, read from the database to compute signals."""

    terms: list[QueryTerm]
    documents: list[QueryDocument | None]
    facts: Facts
    #: Text vectors by key, in the space of the live version.
    vectors: dict[Any, FloatArray]
    #: Cosine with the nearest of the shopper's tastes by key; empty if the shopper has no tastes,
    #: None if they are unavailable.
    tastes: Mapping[Any, float] | None = MappingProxyType({})


def read(
    query: QueryWords,
    keys: Sequence[Any],
    adapter: CatalogAdapter,
    reading: TimedReading,
    version: EncoderVersion | None,
    person: Person = UNKNOWN,
) -> Read:
    """Read everything for the signals except the query's vector; skip None among ``keys``.

    ``version``: the live version. ``person``: the shopper, if their history is to count.

    Raises :class:`OutOfTime` if the time is up, and errors of the database.
    """
    real = [key for key in keys if key is not None]
    terms = read_terms(query, reading)
    documents = read_documents(real, terms, reading)
    facts = read_facts(real, adapter, reading)
    vectors = _texts(real, version, reading)
    # Last, because it is the least important signal and runs the host's own code.
    nearness = {} if version is None else read_nearness(person, real, version, reading)
    return Read(terms, [documents.get(key) for key in keys], facts, vectors, nearness)


def signals_of(
    query: QueryWords,
    keys: Sequence[Any],
    scores: Scores | None,
    read: Read,
    cosines: DoubleArray | None,
) -> Signals:
    """Return the signals of N results, with the host's ``scores`` (N,) or None.

    ``cosines`` (N,): the result of :func:`cosines_of`, or None.
    """
    values = np.zeros((len(keys), len(SIGNALS)))
    values[:, COLUMN["position"]] = _HALF_AT / (_HALF_AT + np.arange(len(keys)))
    if scores is not None:
        values[:, COLUMN["score"]] = _scaled(scores)
    words = slice(COLUMN["words"], COLUMN["words_found"] + 1)
    values[:, words] = word_scores(read.terms, read.documents)
    values[:, COLUMN["attributes"]] = attribute_scores(query, read.documents)
    facts = read.facts
    values[:, COLUMN["price"]] = price_scores(query.price, [facts.prices.get(key) for key in keys])
    values[:, COLUMN["popularity"]] = [facts.popularity.get(key, 0.0) for key in keys]
    values[:, COLUMN["in_stock"]] = [key in facts.in_stock for key in keys]
    if cosines is not None:
        values[:, COLUMN["vector"]] = standardised(cosines)
    if read.tastes:
        nearness = np.array([read.tastes.get(key, np.nan) for key in keys])
        values[:, COLUMN["taste"]] = standardised(nearness)
    known = np.array([key in facts.prices for key in keys], dtype=bool)
    had = {"vector": cosines is not None, "taste": read.tastes is not None}
    return Signals(values, known, tuple(name for name in SIGNALS if not had.get(name, True)))


def _texts(
    keys: Sequence[Any], version: EncoderVersion | None, reading: TimedReading
) -> dict[Any, FloatArray]:
    """Return text vectors by key."""
    if version is None or "text" not in version.dimensions:
        return {}
    reading.check()
    stored = read_vectors(version, keys, ["text"], reading.using)
    return {key: row.vectors["text"] for key, row in stored.items() if row.has("text")}  # type: ignore[misc]


def cosines_of(
    keys: Sequence[Any], vectors: dict[Any, FloatArray], vector: FloatArray | None
) -> DoubleArray | None:
    """Return cosines (N,) of the query's ``vector`` (D,) with each product's text.

    NaN for a product without a text vector; None if there are no vectors to compare.
    """
    if vector is None or not vectors:
        return None
    if len(next(iter(vectors.values()))) != len(vector):
        return None  # another version went live in between
    return np.array([_cosine(vector, vectors.get(key)) for key in keys])


def standardised(values: DoubleArray) -> DoubleArray:
    """Return values minus their mean, in standard deviations; NaN and equal values become 0."""
    having = np.isfinite(values)
    deviation = values[having].std() if having.any() else 0.0
    if deviation < 1e-9:
        return np.zeros_like(values)
    return np.where(having, (values - values[having].mean()) / deviation, 0.0)


def _cosine(vector: FloatArray, row: FloatArray | None) -> float:
    return float("nan") if row is None else float(vector @ row / np.linalg.norm(row))


def _scaled(scores: Scores) -> DoubleArray:
    spread = scores.max() - scores.min()
    return (scores - scores.min()) / spread if spread > 0 else np.zeros_like(scores)
