"""``GET products/{key}/similar/``, ``POST more-like-these/``, and 404 for every other path."""

from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from similarity.api import serializers
from similarity.api.base import (
    SimilarityView,
    find_key,
    find_keys,
    is_staff,
    personal_answer,
    tagged_answer,
    unstored_answer,
    within,
)
from similarity.api.fields import KeyField
from similarity.api.hits import HitWriter
from similarity.api.paging import Cursor
from similarity.api.schema import HIT, answered, asked, document, refused
from similarity.models import EncoderVersion
from similarity.similar import trace
from similarity.similar.more_like import more_like
from similarity.similar.personal_order import in_personal_order
from similarity.similar.shelves import similar_page

REASONS = [
    {"name": "text", "share": 0.6, "text": "Similar description"},
    {"name": "picture", "share": 0.4, "text": "Looks alike"},
]
PAGE = {"version": 3, "tier": "fused", "results": [{**HIT, "reasons": REASONS}]}


class SimilarView(SimilarityView):
    """Products similar to one product, best first, of those that may be shown now."""

    http_method_names = ["get", "head", "options"]
    in_batch = True

    @document(
        "similar_products",
        serializers.PageSerializer,
        query=serializers.SimilarQuerySerializer,
        etag=True,
        not_found="There is no such product.",
        examples=[
            answered(
                "A similar product",
                {**PAGE, "next": "https://shop.example/api/similarity/v1/products/1/similar/?…"},
            ),
            refused(
                "A limit that is not a number",
                "limit is 'many'; give a whole number from 1 to 100.",
                "limit",
            ),
        ],
    )
    def get(self, request: Request, key: str) -> Any:
        product = find_key(key, request)
        wanted = serializers.SimilarQuerySerializer.read(request.query_params)
        data = _similar(request, product, wanted)
        return personal_answer(data) if wanted["personal"] else tagged_answer(request, data)


def _similar(request: Request, product: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    options = ("weights", "diversity", "metric", "mode", "explain")
    how = {name: wanted[name] for name in options if name in wanted}

    def cursor(version: int | None) -> Cursor:
        return Cursor("similarity.cursor", str(product), how, wanted["filters"], version)

    after = wanted.get("cursor")
    position = cursor(EncoderVersion.objects.live_key()).position(after) if after else None
    with trace.trace_queries() as queries:
        page = similar_page(
            product,
            wanted["limit"],
            within=within(request, wanted["filters"]),
            after=position,
            **how,
        )
    hits = in_personal_order(page.hits, request._request) if wanted["personal"] else page.hits
    following = cursor(page.version)
    following.position(after)  # another version may have gone live since
    data = {
        "version": page.version,
        "tier": hits[0].tier if hits else None,
        "results": HitWriter.of(request, wanted, hits).write(hits),
        "next": following.next_page(request, page.next),
    }
    if wanted["explain"]:
        data["plans"] = [_plan(query, figures=is_staff(request)) for query in queries]
    return data


def _plan(query: trace.Answered, *, figures: bool) -> dict[str, Any]:
    """Return one vector query, without its time, so that equal answers stay equal."""
    because = {"because": query.because} if figures else {}
    return {"column": query.column, "plan": query.plan, **because, "found": query.found}


class MoreLikeView(SimilarityView):
    """Products like several liked ones, away from disliked ones, of those that may be shown now."""

    http_method_names = ["post", "options"]
    in_batch = True

    @document(
        "more_like_these",
        serializers.MoreLikeSerializer,
        body=serializers.MoreLikeRequestSerializer,
        not_found="No product of `liked` exists.",
        examples=[
            asked("Two liked", {"liked": [17, 42], "filters": {"brand": ["Northfield", "Alder"]}}),
            answered("One product found", {**PAGE, "unknown": [42]}),
        ],
    )
    def post(self, request: Request) -> Response:
        wanted = serializers.MoreLikeRequestSerializer.read(request.data)
        passing = within(request, wanted.get("filters", {}))
        given = [*wanted["liked"], *wanted["disliked"]]
        existing = find_keys(given, request)
        liked = [key for key in wanted["liked"] if key in existing]
        if not liked:
            raise Http404(f"No product has a key of liked: {wanted['liked']!r:.200}.")
        hits = more_like(
            liked,
            [key for key in wanted["disliked"] if key in existing],
            wanted["limit"],
            within=passing,
            explain=wanted["explain"],
        )
        unknown = [KeyField().to_representation(key) for key in given if key not in existing]
        return unstored_answer(
            {
                "version": EncoderVersion.objects.live_key(),
                "tier": hits[0].tier if hits else None,
                "results": HitWriter.of(request, wanted, hits).write(hits),
                "unknown": unknown,
            }
        )


class NothingView(SimilarityView):
    """404 in the shape of the API's errors instead of a page of the host."""

    schema = None
    in_batch = True

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise Http404("There is no such path; the OpenAPI document lists all paths.")
