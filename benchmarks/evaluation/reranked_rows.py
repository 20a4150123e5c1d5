"""Rows for re-ranking in the search evaluation: another order, scored by ``rerank``.

The input is a host's search, such as BM25, or hybrid search; its order is a signal. Data sets of
judged queries contain neither sales nor stock, so those signals are equal for all products. The
learned ranker is trained on four fifths of the queries and judged on the remaining fifth, five
times.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.evaluation.scratch_index import key_at, scratch_index
from benchmarks.evaluation.search_datasets import SearchDataset
from similarity.search.budget import Deadline
from similarity.search.reranking.blend import blend
from similarity.search.reranking.signals import Facts, Read, signals_of
from similarity.search.reranking.word_scores import read_documents, read_terms
from similarity.search.training.judged import LABEL_GAINS
from similarity.search.training.ranker import Group, fit
from similarity.search.words import parse_query
from similarity.types import DoubleArray

#: Number of results that are re-ranked, the default of ``RERANK_LIMIT``.
DEPTH = 200

_BUDGET_MS = 60_000

Lists = Sequence[Sequence[int]]
Folds = Iterator[tuple[list[int], list[int]]]


class Reranked(NamedTuple):
    """A row: per query, positions best first, of the judged products and of all."""

    name: str
    judged: Lists
    full: Lists


def reranked_rows(
    name: str,
    data: SearchDataset,
    cosines: npt.NDArray[np.float32],
    judged: Lists,
    full: Lists,
    folds: Folds,
) -> list[Reranked]:
    """Return the rows of the fixed blend, and of the learned ranker on unseen queries.

    ``name`` is the name of the input; ``judged`` and ``full`` are its orders. ``cosines`` (Q, N)
    are those of queries with products. ``folds`` are (queries to train on, queries to judge).
    """
    with scratch_index(data.contents) as using:
        signals = [
            (
                _signals(query.text, judged[number], cosines[number], using),
                _signals(query.text, full[number][:DEPTH], cosines[number], using),
            )
            for number, query in enumerate(data.queries)
        ]
    groups = [
        Group(query.text, signals[number][0], _utilities(judged[number], query.labels))
        for number, query in enumerate(data.queries)
    ]
    scorers: list[Callable[[DoubleArray], DoubleArray]] = [blend] * len(groups)
    rows = [_row(f"{name}, re-ranked (blend)", judged, full, signals, scorers)]
    for kept, left in folds:
        if not any(groups[number].teaches for number in kept):
            continue  # too few queries to learn from: keep the blend
        network = fit([groups[number] for number in kept])
        for number in left:
            scorers[number] = network.scores
    rows.append(_row(f"{name}, re-ranked (learned)", judged, full, signals, scorers))
    return rows


def _signals(text: str, order: Sequence[int], cosines: Any, using: str) -> DoubleArray:
    words = parse_query(text)
    keys = [key_at(position) for position in order]
    with Deadline(_BUDGET_MS).reading(using) as reading:
        terms = read_terms(words, reading)
        found = read_documents(keys, terms, reading)
    read = Read(terms, [found.get(key) for key in keys], Facts(), {})
    return signals_of(words, keys, None, read, np.asarray(cosines[list(order)], float)).values


def _utilities(order: Sequence[int], labels: Mapping[int, str]) -> DoubleArray:
    return np.array([2.0 ** LABEL_GAINS[labels[position]] - 1 for position in order])


def _row(
    name: str,
    judged: Lists,
    full: Lists,
    signals: Sequence[tuple[DoubleArray, DoubleArray]],
    scorers: Sequence[Callable[[DoubleArray], DoubleArray]],
) -> Reranked:
    def ordered(order: Sequence[int], values: DoubleArray, number: int) -> list[int]:
        best = np.argsort(-scorers[number](values), kind="stable")
        return [*(order[at] for at in best), *order[len(best) :]]

    return Reranked(
        name,
        [ordered(one, signals[number][0], number) for number, one in enumerate(judged)],
        [ordered(one, signals[number][1], number) for number, one in enumerate(full)],
    )
