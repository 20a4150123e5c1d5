"""``GET search/`` and ``GET suggest/``."""

from typing import Any

from django.utils.cache import patch_cache_control
from django.utils.encoding import escape_uri_path
from rest_framework.request import Request
from rest_framework.response import Response

from similarity.api.base import SimilarityView
from similarity.api.serializers import hit_data
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.search import SearchPage, search, suggest
from similarity.search.api.search_parameters import SearchParameters, SuggestParameters
from similarity.search.api.search_schema import SearchSchema, SuggestSchema
from similarity.search.asked_often import asked_by


class SearchView(SimilarityView):
    """Products that answer a shopper's words, best first, of those that may be shown now."""

    schema = SearchSchema()
    throttle_scope = "search"
    http_method_names = ["get", "head", "options"]

    def get(self, request: Request) -> Response:
        adapter = get_adapter()
        parameters = SearchParameters.parse(request.query_params, adapter)
        eligible = adapter.for_display(adapter.eligible(request._request))
        with asked_by(request._request):
            page = search(
                parameters.text,
                parameters.limit,
                within=parameters.within(eligible, adapter),
                unfiltered=eligible if parameters.filters else None,
                sort=parameters.sort,
                after=parameters.after,
                facets=parameters.facet_rooms(eligible, adapter),
            )
        following = _address(request, parameters.cursor_for(page.next)) if page.next else None
        return _live(Response(_page_data(page, adapter, following)))


class SuggestView(SimilarityView):
    """What a shopper may be typing: queries, categories, brands and products."""

    schema = SuggestSchema()
    throttle_scope = "suggest"
    http_method_names = ["get", "head", "options"]

    def get(self, request: Request) -> Response:
        parameters = SuggestParameters.parse(request.query_params)
        eligible = get_adapter().eligible(request._request)
        found = suggest(parameters.text, parameters.limit, within=eligible)
        return _live(Response({"suggestions": [one._asdict() for one in found]}))


def _page_data(page: SearchPage, adapter: CatalogAdapter, following: str | None) -> dict[str, Any]:
    return {
        "total": page.total,
        "total_is_exact": page.total_is_exact,
        "outcome": page.outcome,
        "results": [hit_data(hit, adapter, explain=False) for hit in page.hits],
        "related": [hit_data(hit, adapter, explain=False) for hit in page.related],
        "facets": [
            {"name": name, "values": [value._asdict() for value in values]}
            for name, values in page.facets.items()
        ],
        "prices": [
            {"low": str(bucket.low), "high": str(bucket.high), "count": bucket.count}
            for bucket in page.prices
        ],
        "facets_are_exact": page.facets_are_exact,
        "price": _price_data(page),
        "did_you_mean": page.did_you_mean,
        "corrected": page.corrected,
        "rescued": page.rescued,
        "hybrid": page.hybrid,
        "next": following,
    }


def _price_data(page: SearchPage) -> dict[str, str | None] | None:
    """The price that was read in the words, and the words without it."""
    if page.price is None:
        return None
    low, high = (None if one is None else str(one) for one in (page.price.low, page.price.high))
    return {"low": low, "high": high, "without": page.without_price}


def _address(request: Request, cursor: str) -> str:
    query = request.query_params.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{escape_uri_path(request.path)}?{query.urlencode()}")


def _live(response: Response) -> Response:
    """Stock is live, so no copy may be shown without asking again."""
    patch_cache_control(response, private=True, no_cache=True)
    return response
