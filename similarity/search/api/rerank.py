"""``POST rerank/``: the host's own search results in a better order, within a budget."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import router
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from similarity import conf
from similarity.api.base import SHOWN, SimilarityView, read_body, read_text, require_key
from similarity.api.errors import BadParameter
from similarity.api.schema import TAG
from similarity.api.views import find_keys
from similarity.catalog.adapter import get_adapter
from similarity.exceptions import QueryError
from similarity.search.api.rerank_schema import (
    EXAMPLES,
    MAX_BUDGET_MS,
    MAX_QUERY,
    MAX_RESULTS,
    RESPONSES,
    RerankRequestSerializer,
)
from similarity.search.asked_often import asked_by
from similarity.search.reranking.rerank import rerank
from similarity.similar.planner_settings import savepoint
from similarity.similar.within import key_of

FIELDS = ("query", "results", "budget_ms")

Listed = list[tuple[int | str, float | None]]


class RerankView(SimilarityView):
    """Results of any search in a better order, or in the order given when time is up."""

    throttle_scope = "rerank"
    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="rerank",
        tags=[TAG],
        request=RerankRequestSerializer,
        responses=RESPONSES,
        examples=EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        body = read_body(request, FIELDS)
        query = read_text(body, "query", most=MAX_QUERY)
        if not query.strip():
            raise BadParameter("query is empty; give what the shopper typed.", "query")
        listed = _results(body)
        listed, budget_ms = _viewable(listed, request), _budget(body)
        with asked_by(request._request):
            answer = rerank(query, listed, request.user, budget_ms=budget_ms)
        data = {
            "results": [key.key if isinstance(key, Unknown) else key for key, _ in answer.results],
            "reranked": answer.reranked,
            "reason": answer.reason,
            "ranker": answer.ranker,
            "took_ms": round(answer.took_ms, 1),
        }
        return Response(data, headers={"Cache-Control": "no-store"})


@dataclass(frozen=True)
class Unknown:
    """A key of a product that may not be asked about: re-ranking knows no product for it."""

    key: int | str


def _viewable(listed: Listed, request: Request) -> list[tuple[Any, float | None]]:
    """The same, with products that may not be asked about as if there were none."""
    keys: dict[int | str, Any] = {}
    for key, _score in listed:
        with suppress(QueryError):
            keys[key] = key_of(key)
    with savepoint(router.db_for_read(conf.product_model())):
        known = find_keys(get_adapter(), keys.values(), request)
    return [(key if keys.get(key) in known else Unknown(key), score) for key, score in listed]


def _results(body: Mapping[str, Any]) -> Listed:
    given = body.get("results")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_RESULTS:
        shown = f"{len(given)} entries" if isinstance(given, list) else ascii(given)[:SHOWN]
        raise BadParameter(
            f"results has {shown}; give a list of 1 to {MAX_RESULTS} keys, or of objects with "
            "key and score.",
            "results",
        )
    return [_entry(entry) for entry in given]


def _entry(entry: Any) -> tuple[int | str, float | None]:
    if not isinstance(entry, Mapping):
        return _key(entry), None
    if not {"key"} <= set(entry) <= {"key", "score"}:
        raise BadParameter(
            f"results holds {ascii(entry)[:SHOWN]}; an object there has key and score.", "results"
        )
    return _key(entry["key"]), _score(entry.get("score"))


def _key(key: Any) -> int | str:
    """As it was sent: a key that no product has is no mistake, the host's index may lag."""
    require_key(key, "results")
    return key


def _score(score: Any) -> float | None:
    if score is None:
        return None
    number = isinstance(score, int | float) and not isinstance(score, bool)
    if not number or abs(score) > 1e300 or not math.isfinite(score):
        raise BadParameter(
            f"results has the score {ascii(score)[:SHOWN]}; give a finite number.", "results"
        )
    return float(score)


def _budget(body: Mapping[str, Any]) -> int | None:
    budget = body.get("budget_ms")
    if budget is None:
        return None
    whole = isinstance(budget, int) and not isinstance(budget, bool)
    if not whole or not 1 <= budget <= MAX_BUDGET_MS:
        raise BadParameter(
            f"budget_ms is {ascii(budget)[:SHOWN]}; give a whole number from 1 to {MAX_BUDGET_MS}.",
            "budget_ms",
        )
    return int(budget)
