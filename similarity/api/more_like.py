"""``POST more-like-these/``: products like those a shopper likes, unlike those they do not."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from similarity.api.base import SimilarityView, read_body, read_flag, read_keys, read_limit
from similarity.api.body_filters import read_filters
from similarity.api.errors import BadParameter
from similarity.api.health import is_staff
from similarity.api.more_like_schema import EXAMPLES, RESPONSES, MoreLikeRequestSerializer
from similarity.api.parameters import DEFAULT_LIMIT
from similarity.api.schema import TAG
from similarity.api.serializers import KeyField, hit_data
from similarity.api.views import find_keys
from similarity.catalog.adapter import get_adapter
from similarity.models import EncoderVersion
from similarity.similar.filters import filter_products
from similarity.similar.more_like import MAX_GIVEN, more_like

FIELDS = ("liked", "disliked", "limit", "explain", "filters")


class MoreLikeView(SimilarityView):
    """Products like several liked ones, away from disliked ones, of those that may be shown now."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="more_like_these",
        tags=[TAG],
        request=MoreLikeRequestSerializer,
        responses=RESPONSES,
        examples=EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        adapter = get_adapter()
        body = read_body(request, FIELDS)
        liked, disliked = _given(read_keys(body, "liked", most=MAX_GIVEN), body)
        limit, explain = read_limit(body, DEFAULT_LIMIT), read_flag(body, "explain")
        eligible = adapter.for_display(adapter.eligible(request._request))
        within = filter_products(eligible, read_filters(body, adapter), adapter)
        existing = find_keys(adapter, [*liked, *disliked], request)
        known = [key for key in liked if key in existing]
        if not known:
            raise Http404(f"No product has a key of liked: {liked!r:.200}.")
        hits = more_like(
            known,
            [key for key in disliked if key in existing],
            limit,
            within=within,
            explain=explain,
        )
        live = EncoderVersion.objects.filter(status=EncoderVersion.Status.LIVE)
        unknown = [key for key in (*liked, *disliked) if key not in existing]
        data = {
            "version": live.values_list("pk", flat=True).first(),
            "tier": hits[0].tier if hits else None,
            "results": [
                hit_data(hit, adapter, explain=explain, figures=is_staff(request)) for hit in hits
            ],
            "unknown": [KeyField().to_representation(key) for key in unknown],
        }
        return Response(data, headers={"Cache-Control": "no-store"})


def _given(liked: list[Any], body: Any) -> tuple[list[Any], list[Any]]:
    disliked = read_keys(body, "disliked", most=MAX_GIVEN, least=0)
    if both := set(liked) & set(disliked):
        raise BadParameter(f"{min(both, key=str)!r} is in liked and in disliked.", "disliked")
    return liked, disliked
