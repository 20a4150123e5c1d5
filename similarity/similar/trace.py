"""A trace of vector queries: plan, reason and time, for metrics and for operators."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from similarity.connections import metrics


class Answered(NamedTuple):
    """A query of vectors by a plan.

    ``plan``: ``exact``, ``exact per group``, ``cells``, ``hnsw`` or ``hnsw nearby``; ``because``
    gives the reason, in figures; ``found`` rows in ``seconds``.
    """

    column: str
    plan: str
    because: str
    found: int
    seconds: float


_answered: ContextVar[list[Answered] | None] = ContextVar("similarity_answered", default=None)


@contextmanager
def trace_queries() -> Iterator[Sequence[Answered]]:
    """Yield a list that collects the plan of each vector query within the block, in order."""
    answered: list[Answered] = []
    token = _answered.set(answered)
    try:
        yield answered
    finally:
        _answered.reset(token)


@contextmanager
def answering(column: str, plan: str, because: str) -> Iterator[list[object]]:
    """Measure a query: yield a list to which the block adds its rows."""
    started = time.perf_counter()
    found: list[object] = []
    yield found
    seconds = time.perf_counter() - started
    metrics.observe("query_seconds", seconds, plan=plan, tier=column)
    answered = _answered.get()
    if answered is not None:
        answered.append(Answered(column, plan, because, len(found), seconds))
