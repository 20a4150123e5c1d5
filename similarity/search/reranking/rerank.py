"""``rerank``: the host's own search results in a better order, or unchanged if time is up."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.db import DatabaseError, router
from django.http import HttpRequest

from similarity.catalog.adapter import get_adapter
from similarity.exceptions import QueryError
from similarity.models import ProductVectors
from similarity.search import query_vectors
from similarity.search.budget import Deadline, OutOfTime, was_ended
from similarity.search.reranking.blend import OF_SEARCH, WEIGHTS
from similarity.search.reranking.host_results import HostResults, read_results
from similarity.search.reranking.pairs import second_scores
from similarity.search.reranking.personal import Person
from similarity.search.reranking.rankers import current_ranker
from similarity.search.reranking.signals import Signals, cosines_of, read, signals_of
from similarity.search.words import parse_query

logger = logging.getLogger(__name__)

#: Reasons for keeping the host's order.
OUT_OF_TIME = "out_of_time"
NO_VECTOR = "no_query_vector"
NO_QUERY = "empty_query"
NOTHING_KNOWN = "no_known_products"
DATABASE = "database_error"
FAILED = "error"

#: Milliseconds that :func:`rerank` takes at most by default.
BUDGET_MS = 100

#: The share of the budget kept for assembling the answer, and its maximum.
RESERVE_SHARE = 0.1
RESERVE_MS = 10


@dataclass(frozen=True)
class Reranked:
    """``results``: the given objects themselves, in the new order.

    If ``reranked`` is false, they are in the given order, and ``reason`` is ``out_of_time``,
    ``no_query_vector``, ``empty_query``, ``no_known_products``, ``database_error`` or ``error``.
    ``ranker`` is ``blend`` or names the learned ranker.
    """

    results: list[Any]
    reranked: bool
    reason: str = ""
    took_ms: float = 0.0
    ranker: str = ""
    #: The signals of the re-ordered results, in the new order.
    signals: Signals | None = None


def rerank(
    query: str,
    results: Any,
    user: Any = None,
    *,
    budget_ms: int | None = None,
    request: HttpRequest | None = None,
) -> Reranked:
    """Return the results of any search for ``query``, re-ordered.

    ``results``: a list, tuple or queryset of products or of their keys, of hits, or of pairs of one
    of these and the host's score. The first ``MAX_RERANKED`` are re-ordered, the rest stay behind
    them. A queryset is read once; an unsliced queryset is read only that far. Results that are no
    known product keep their places. Hits of :func:`~similarity.search.search` are already ordered
    by words and meaning, so the blend moves them only by stock, price, sales and the shopper.
    ``user``: the shopper, as ``request.user``. Purchases of a signed-in user count if ``ORDERS``
    names ``user``, or if its adapter has :meth:`~similarity.orders.adapter.OrderAdapter.bought_by`.
    ``request``: that of a shopper, whose events then count instead, if ``similarity.shoppers`` is
    installed and they consented.

    Takes at most ``budget_ms`` (default ``BUDGET_MS``). If that is too short, or a step fails, the
    given order is returned, with the reason. Raises :class:`QueryError` only for arguments that are
    mistakes: objects of another model, a budget that is no number.
    """
    budget = _checked_budget(budget_ms)
    deadline = Deadline(budget - min(RESERVE_SHARE * budget, RESERVE_MS))
    listed = read_results(results)
    answer = _in_time(query, listed, Person(user, request), deadline)
    return replace(answer, took_ms=deadline.took_ms)


def _checked_budget(budget_ms: int | None) -> int:
    if budget_ms is None:
        return BUDGET_MS
    if isinstance(budget_ms, bool) or not isinstance(budget_ms, int) or budget_ms < 1:
        raise QueryError(
            f"budget_ms is {budget_ms!r}; pass a whole number of milliseconds above 0."
        )
    return budget_ms


def _in_time(query: str, listed: HostResults, person: Person, deadline: Deadline) -> Reranked:
    reason = FAILED
    try:
        return _reranked(query, listed, person, deadline)
    except OutOfTime:
        reason = OUT_OF_TIME
    except _NoOrder as why:
        reason = str(why)
    except DatabaseError as error:
        timed_out = was_ended(error)
        reason = OUT_OF_TIME if timed_out else DATABASE
        if not timed_out:
            logger.warning("Results stay as they were: %s", error)
    except Exception:  # a door: a search page must not fail because of its order
        logger.exception("Results stay as they were: re-ranking failed.")
    return Reranked([*listed.head, *listed.rest], reranked=False, reason=reason)


class _NoOrder(Exception):
    """A reason to keep the given order; its text is the reason."""


def _reranked(query: str, listed: HostResults, person: Person, deadline: Deadline) -> Reranked:
    text = query_vectors.normalised(query)
    words = parse_query(text)
    if not words.words:
        raise _NoOrder(NO_QUERY)
    if not any(key is not None for key in listed.keys):
        raise _NoOrder(NOTHING_KNOWN)
    using = router.db_for_read(ProductVectors)
    adapter = get_adapter()
    with deadline.reading(using) as reading:
        pending = query_vectors.begin(text, timeout_ms=int(1000 * deadline.left_s))
        ranker = current_ranker(reading, OF_SEARCH if listed.is_of_search else WEIGHTS)
        known = read(words, listed.keys, adapter, reading, pending.version, person)
    vector = pending.wait(deadline.left_s)
    if pending.unanswered:
        deadline.check()
        raise _NoOrder(NO_VECTOR)
    signals = signals_of(
        words, listed.keys, listed.scores, known, cosines_of(listed.keys, known.vectors, vector)
    )
    if not signals.known.any():
        raise _NoOrder(NOTHING_KNOWN)
    scores = ranker.scores(signals.values)
    second = second_scores(text, listed.keys, scores, adapter, deadline, using)
    deadline.check()
    order = _order(scores if second is None else second, signals.known)
    return Reranked(
        [*(listed.head[at] for at in order), *listed.rest],
        reranked=True,
        ranker=ranker.name,
        signals=replace(signals, values=signals.values[order], known=signals.known[order]),
    )


def _order(scores: Any, known: Any) -> Sequence[int]:
    """Return positions best first; equal and unknown results keep their places."""
    order = np.arange(len(scores))
    places = np.flatnonzero(known)
    order[places] = places[np.argsort(-scores[places], kind="stable")]
    return [int(at) for at in order]
