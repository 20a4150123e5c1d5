"""``GET recommendations/``: a personal shelf of the shopper who asks."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from similarity.api.base import SimilarityView, find_keys, personal_answer, within
from similarity.api.hits import HitWriter
from similarity.api.schema import HIT, answered, document
from similarity.api.throttling import AddressThrottle
from similarity.shoppers.api import serializers
from similarity.shoppers.shelves import Asked, read_shelf

REASON = {"name": "history", "share": 1.0, "text": "Because you looked at Linen shirt, white"}
FOUND = {
    "shelf": "for_you",
    "tier": "personal",
    "because": None,
    "results": [{**HIT, "tier": "personal", "reasons": [REASON]}],
}


class RecommendationsThrottle(AddressThrottle):
    """Counted in the process, because a refusal of consent leaves no cache entry."""

    in_process = True


class RecommendationsView(SimilarityView):
    """Products for the shopper who asks. Without their consent, those of an unknown shopper."""

    http_method_names = ["get", "head", "options"]
    in_batch = True

    def get_throttles(self) -> list[BaseThrottle]:
        return [RecommendationsThrottle(self.throttle_scope)]

    @document(
        "recommendations",
        serializers.RecommendationsSerializer,
        query=serializers.RecommendationsQuerySerializer,
        examples=[answered("For you", FOUND)],
    )
    def get(self, request: Request) -> Response:
        wanted = serializers.RecommendationsQuerySerializer.read(request.query_params)
        shelf = read_shelf(
            wanted["shelf"],
            Asked(
                request,
                wanted["limit"],
                within(request, wanted["filters"]),
                product=_viewable(wanted.get("product"), request),
                diversity=wanted["diversity"],
                explain=wanted["explain"],
            ),
        )
        shown = [hit.product for hit in shelf.hits]
        about = [] if shelf.because is None else [shelf.because]
        writer = HitWriter(request, wanted, [*shown, *about])
        data = {
            "shelf": wanted["shelf"],
            "tier": shelf.hits[0].tier if shelf.hits else None,
            "because": writer.write_card(shelf.because) if about else None,
            "results": writer.write(shelf.hits),
        }
        return personal_answer(data)


def _viewable(key: Any, request: Request) -> Any:
    """Return the key if its product may be asked about, else None."""
    return key if key is not None and key in find_keys([key], request) else None
