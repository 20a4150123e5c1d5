"""``GET search/``, ``GET suggest/``, ``POST search/image/`` and ``POST rerank/``."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import router
from django.db.models import QuerySet
from rest_framework import exceptions
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from similarity import conf
from similarity.api.base import (
    SimilarityView,
    displayable,
    find_keys,
    live_answer,
    personal_answer,
    unstored_answer,
    within,
)
from similarity.api.errors import RETRY_AFTER_S, BadParameter, shown
from similarity.api.fields import KeyField
from similarity.api.hits import HitWriter
from similarity.api.paging import Cursor
from similarity.api.schema import HIT, answered, asked, document, refusal
from similarity.api.serializers import FORMAT
from similarity.api.throttling import PICTURES
from similarity.catalog.adapter import get_adapter
from similarity.exceptions import ImageRejected, QueryError
from similarity.models import EncoderVersion
from similarity.search import SearchPage, search, suggest
from similarity.search import facets as counting
from similarity.search.api import serializers
from similarity.search.api.uploads import bound_picture_upload
from similarity.search.picture import PictureUnavailable, encode_picture, search_by_picture
from similarity.search.query_counts import asked_by
from similarity.search.reranking.rerank import rerank
from similarity.search.suggestions import Suggestion
from similarity.similar.filters import PRICES, filter_products
from similarity.similar.personal_order import in_personal_order
from similarity.similar.planner_settings import savepoint
from similarity.similar.within import key_of

FOUND = {
    **{"total": 61, "total_is_exact": True, "outcome": "found", "related": []},
    "results": [{**HIT, "tier": "words"}],
    "facets": [{"name": "colour", "values": [{"value": "navy", "count": 27}]}],
    "prices": [{"low": "10", "high": "50", "count": 61}],
    **{"facets_are_exact": True, "price": None, "did_you_mean": "navy shirt", "corrected": True},
    **{"rescued": "", "hybrid": True, "next": None},
}
BAG = {"kind": "product", "text": "Sleeping bag", "id": 17, "value": "", "url": "/p/17/bag/"}
ASKED = {"query": "navy shirt", "results": [{"key": 17, "score": 8.1}, 42], "budget_ms": 100}
ORDERED = {"results": [42, 17], "reranked": True, "reason": "", "ranker": "blend", "took_ms": 14.2}


class SearchView(SimilarityView):
    """Products that match a shopper's words, best first, of those that may be shown now."""

    throttle_scope = "search"
    http_method_names = ["get", "head", "options"]
    in_batch = True

    @document(
        "search_products",
        serializers.SearchPageSerializer,
        query=serializers.SearchQuerySerializer,
        examples=[answered("A misspelt query", FOUND)],
    )
    def get(self, request: Request) -> Response:
        wanted = serializers.SearchQuerySerializer.read(request.query_params)
        text, sort, filters = wanted["q"], wanted["sort"], wanted["filters"]
        eligible = displayable(request, get_adapter())
        cursor = Cursor("similarity.search", text, sort, filters)  # limit and facets may change
        with asked_by(request._request):
            page = search(
                text,
                wanted["limit"],
                within=filter_products(eligible, filters),
                unfiltered=eligible if filters else None,
                sort=sort,
                after=cursor.position(wanted.get("cursor")),
                facets=_facet_rooms(eligible, wanted),
            )
        hits = page.hits
        if wanted["personal"] and sort == "relevance":
            hits = in_personal_order(hits, request._request)
        writer = HitWriter.of(request, wanted, hits, page.related)
        answer = personal_answer if wanted["personal"] else live_answer
        return answer(
            {
                **_page_data(page),
                "results": writer.write(hits),
                "related": writer.write(page.related),
                "next": cursor.next_page(request, page.next),
            }
        )


def _facet_rooms(products: QuerySet[Any], wanted: dict[str, Any]) -> dict[str, QuerySet[Any]]:
    """Return facet → products to count in, narrowed by all filters except its own.

    So a shopper can choose a second value of a facet.
    """
    rooms = {}
    for name in wanted.get("facets", ()):
        own = PRICES if name == counting.PRICE else (name,)
        others = {key: texts for key, texts in wanted["filters"].items() if key not in own}
        rooms[name] = filter_products(products, others)
    return rooms


#: Fields that the answer takes from the page unchanged.
_SAME = (
    *("total", "total_is_exact", "outcome", "facets_are_exact", "did_you_mean", "corrected"),
    *("rescued", "hybrid"),
)


def _page_data(page: SearchPage) -> dict[str, Any]:
    facets = {name: [value._asdict() for value in page.facets[name]] for name in page.facets}
    prices = [(str(bucket.low), str(bucket.high), bucket.count) for bucket in page.prices]
    return {
        **{name: getattr(page, name) for name in _SAME},
        "facets": [{"name": name, "values": values} for name, values in facets.items()],
        "prices": [{"low": low, "high": high, "count": count} for low, high, count in prices],
        "price": _price_data(page),
    }


def _price_data(page: SearchPage) -> dict[str, str | None] | None:
    """Return the price that was read in the words, and the words without it."""
    if page.price is None:
        return None
    low, high = (None if one is None else str(one) for one in (page.price.low, page.price.high))
    return {"low": low, "high": high, "without": page.without_price}


class SuggestView(SimilarityView):
    """Suggestions for the typed text: queries, categories, brands and products."""

    throttle_scope = "suggest"
    http_method_names = ["get", "head", "options"]
    in_batch = True

    @document(
        "suggest",
        serializers.SuggestAnswerSerializer,
        query=serializers.SuggestQuerySerializer,
        examples=[answered("After four letters", {"suggestions": [BAG]})],
    )
    def get(self, request: Request) -> Response:
        wanted = serializers.SuggestQuerySerializer.read(request.query_params)
        eligible = get_adapter().eligible(request._request)
        found = suggest(wanted["q"], wanted["limit"], within=eligible)
        return live_answer({"suggestions": [_suggestion_data(one) for one in found]})


def _suggestion_data(one: Suggestion) -> dict[str, Any]:
    is_product = one.kind == "product"
    return {
        "kind": one.kind,
        "text": one.text,
        "id": KeyField().to_representation(key_of(one.key)) if is_product else None,
        "value": "" if is_product else one.key,
        "url": one.url,
    }


class TooLarge(exceptions.APIException):
    status_code = 413
    default_code = "too_large"


class Unavailable(exceptions.APIException):
    status_code = 503
    default_code = "unavailable"
    wait = RETRY_AFTER_S  # sent as Retry-After


class PictureSearchView(SimilarityView):
    """Products that look like the picture, of those that may be shown now. It is not stored."""

    http_method_names = ["post", "options"]
    parser_classes = (MultiPartParser,)
    throttle_scope = PICTURES  # each picture costs a worker a run of its network

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        too_large = bound_picture_upload(request._request)
        if too_large:
            raise TooLarge(too_large)
        super().initial(request, *args, **kwargs)

    @document(
        "search_by_image",
        serializers.PictureSearchSerializer,
        body={"multipart/form-data": serializers.PictureFormSerializer},
        more={
            413: refusal("The upload has more than 5 MB."),
            503: refusal(
                "No worker answered in time, or the database does not answer; "
                "`Retry-After` gives the time to wait."
            ),
        },
        examples=[answered("A shirt", {"version": 3, "results": [{**HIT, "tier": "image"}]})],
    )
    def post(self, request: Request) -> Response:
        wanted = serializers.PictureFormSerializer.read(_form(request))
        passing = within(request, wanted["filters"])
        vector = _encode(wanted["image"])
        hits = search_by_picture(vector, wanted["q"].strip(), wanted["limit"], within=passing)
        return unstored_answer(
            {
                "version": EncoderVersion.objects.live_key(),
                "results": HitWriter.of(request, wanted, hits).write(hits),
            }
        )


def _form(request: Request) -> Any:
    for name in request.query_params:
        if name != FORMAT:
            raise BadParameter(
                f"There is no query parameter {shown(name)}; send it as a field of the form.",
                shown(name)[1:-1],
            )
    try:
        form = request.data
    except (SuspiciousOperation, LookupError, ValueError) as error:
        # Too many fields, or an unknown text encoding.
        raise BadParameter(f"The form cannot be read ({type(error).__name__}).") from error
    if (sent := len(request.FILES.getlist("image"))) > 1:
        raise BadParameter(f"The form holds {sent} files named image; send one.", "image")
    return form


def _encode(image: bytes) -> Any:
    try:
        return encode_picture(image)
    except ImageRejected as error:
        raise BadParameter(str(error), "image") from error
    except PictureUnavailable as error:
        raise Unavailable(str(error)) from error


class RerankView(SimilarityView):
    """Results of any search in a better order, or in the given order when the time is up."""

    throttle_scope = "rerank"
    http_method_names = ["post", "options"]
    in_batch = True

    @document(
        "rerank",
        serializers.RerankSerializer,
        body=serializers.RerankRequestSerializer,
        examples=[asked("Two results", ASKED), answered("A better order", ORDERED)],
    )
    def post(self, request: Request) -> Response:
        wanted = serializers.RerankRequestSerializer.read(request.data)
        listed = _viewable(wanted["results"], request)
        with asked_by(request._request):
            answer = rerank(
                wanted["query"],
                listed,
                request.user,
                budget_ms=wanted.get("budget_ms"),
                request=request._request if wanted["personal"] else None,
            )
        keys = [key.key if isinstance(key, Unknown) else key for key, _ in answer.results]
        return unstored_answer(
            {
                "results": [KeyField().to_representation(key) for key in keys],
                "reranked": answer.reranked,
                "reason": answer.reason,
                "ranker": answer.ranker,
                "took_ms": round(answer.took_ms, 1),
            }
        )


Listed = list[tuple[Any, float | None]]


@dataclass(frozen=True)
class Unknown:
    """A key of a product that may not be asked about: re-ranking finds no product for it."""

    key: int | str


def _viewable(listed: Listed, request: Request) -> Listed:
    """Return the results, with keys that may not be asked about replaced by :class:`Unknown`."""
    keys: dict[int | str, Any] = {}
    for key, _score in listed:
        with suppress(QueryError):
            keys[key] = key_of(key)
    with savepoint(router.db_for_read(conf.product_model())):
        known = find_keys(keys.values(), request)
    return [(key if keys.get(key) in known else Unknown(key), score) for key, score in listed]
