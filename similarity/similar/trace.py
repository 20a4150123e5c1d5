"""Which plan answered, how long it took and why it was chosen: for metrics and for people."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from similarity.connections import metrics


class Answered(NamedTuple):
    """One query of vectors by one plan.

    ``plan``: ``exact``, ``exact per group``, ``cells``, ``hnsw`` or ``hnsw nearby``;
    ``because`` says why, in figures; ``found`` rows in ``seconds``.
    """

    column: str
    plan: str
    because: str
    found: int
    seconds: float


_answered: ContextVar[list[Answered] | None] = ContextVar("similarity_answered", default=None)


@contextmanager
def trace_queries() -> Iterator[Sequence[Answered]]:
    """Collect how each vector query within the block was answered, in order."""
    answered: list[Answered] = []
    token = _answered.set(answered)
    try:
        yield answered
    finally:
        _answered.reset(token)


@contextmanager
def answering(column: str, plan: str, because: str) -> Iterator[list[object]]:
    """Around one query: the block puts its rows into the list it is given."""
    started = time.perf_counter()
    found: list[object] = []
    yield found
    seconds = time.perf_counter() - started
    metrics.observe("query_seconds", seconds, plan=plan, tier=column)
    answered = _answered.get()
    if answered is not None:
        answered.append(Answered(column, plan, because, len(found), seconds))
