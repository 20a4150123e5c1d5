"""How well the search documents of some products match the words of a query."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from similarity import conf
from similarity.models.vectors import key_type
from similarity.search.budget import TimedReading
from similarity.search.models import SearchDocument
from similarity.search.terms import rarity
from similarity.search.words import QueryWords
from similarity.similar.within import database_keys
from similarity.types import DoubleArray

#: The weight of a word by its field: title and codes, brand and category, other attributes,
#: description.
LABELS = {"A": 3.0, "B": 2.0, "C": 1.5, "D": 0.25}

#: BM25's constants: how soon repetitions of a word stop counting, and how much the length of a
#: document reduces the weight of its words.
SATURATION = 1.2
LENGTH_SHARE = 0.5


class QueryTerm(NamedTuple):
    """A word of the query as a lexeme; ``rarity`` is its inverse document frequency."""

    lexeme: str
    rarity: float


class QueryDocument(NamedTuple):
    """``found``: lexeme → a label for each of its places; ``values``: ``name=value``."""

    length: int
    values: tuple[str, ...]
    found: Mapping[str, Sequence[str]]


_TERMS = """
    SELECT asked.lexeme, coalesce(known.documents, 0),
        (SELECT documents FROM similarity_searchlexeme WHERE lexeme = '')
    FROM unnest(tsvector_to_array(to_tsvector(%s::regconfig, unaccent(%s)))) AS asked(lexeme)
    LEFT JOIN similarity_searchlexeme AS known ON known.lexeme = asked.lexeme COLLATE "C"
    LIMIT 48
"""

_DOCUMENTS = """
    SELECT product_id, length, attribute_values, found.lexemes, found.labels
    FROM similarity_searchdocument
    CROSS JOIN LATERAL (
        SELECT array_agg(lexeme) AS lexemes, array_agg(array_to_string(weights, '')) AS labels
        FROM unnest(document) WHERE lexeme = ANY(%s)
    ) AS found
    WHERE product_id = ANY(%s::{key_type}[])
"""


def read_terms(query: QueryWords, reading: TimedReading) -> list[QueryTerm]:
    """Return the query's words without stop words, each with its rarity in the catalogue."""
    words = [
        *query.words,
        *query.measures,
        *(one for some in query.compounds for one in some.joined),
    ]
    reading.check()
    reading.cursor.execute(_TERMS, [conf.get("SEARCH", "LANGUAGE"), " ".join(words)])
    return [
        QueryTerm(lexeme, rarity(documents, total or 0))
        for lexeme, documents, total in reading.cursor.fetchall()
    ]


def read_documents(
    keys: Sequence[Any], terms: Sequence[QueryTerm], reading: TimedReading
) -> dict[Any, QueryDocument]:
    """Return key → document, for products with a document."""
    field = SearchDocument._meta.get_field("product")
    sql = _DOCUMENTS.format(key_type=key_type(reading.using))
    lexemes = [term.lexeme for term in terms]
    reading.check()
    reading.cursor.execute(sql, [lexemes, database_keys(keys, reading.using)])
    rows = reading.cursor.fetchall()
    to_python = field.target_field.to_python
    return {
        to_python(key): QueryDocument(
            length, tuple(values or ()), dict(zip(lexemes or (), labels or (), strict=True))
        )
        for key, length, values, lexemes, labels in rows
    }


def word_scores(
    terms: Sequence[QueryTerm], documents: Sequence[QueryDocument | None]
) -> DoubleArray:
    """Return (N, 3), each in [0, 1]: BM25F, and the shares of the query in the title and overall.

    Shares weigh a word by its rarity. BM25 over weighted fields follows Robertson, Zaragoza and
    Taylor (2004), divided by the score of a document with every word many times.
    """
    scores = np.zeros((len(documents), 3))
    total = sum(term.rarity for term in terms)
    lengths = [document.length for document in documents if document]
    if not total or not lengths:
        return scores
    usual = max(float(np.mean(lengths)), 1.0)
    for row, document in enumerate(documents):
        if document is None:
            continue
        norm = 1 - LENGTH_SHARE + LENGTH_SHARE * document.length / usual
        for term in terms:
            labels = document.found.get(term.lexeme)
            if not labels:
                continue
            weight = sum(LABELS[label] for label in labels)
            share = term.rarity / total
            scores[row] += (
                share * weight / (weight + SATURATION * norm),
                share * ("A" in labels),
                share,
            )
    return scores
