"""``GET products/{pk}/similar/``."""

import hashlib
import json
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.http import Http404
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.encoding import escape_uri_path
from rest_framework.request import Request
from rest_framework.response import Response

from similarity.api.base import SimilarityView
from similarity.api.filters import narrow
from similarity.api.parameters import Parameters
from similarity.api.schema import SimilarSchema
from similarity.api.serializers import hit_data, plan_data
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.models import EncoderVersion
from similarity.retrieval import trace
from similarity.retrieval.shelves import similar_page


class SimilarView(SimilarityView):
    """Products similar to one product, best first, of those that may be shown now."""

    schema = SimilarSchema()
    http_method_names = ["get", "head", "options"]

    def get(self, request: Request, key: str) -> Any:
        adapter = get_adapter()
        product = find_key(adapter, key)
        parameters = Parameters.parse(request.query_params, adapter)
        data = _answer(request, product, parameters, adapter)
        response = Response(data)
        response["ETag"] = etag(data)
        # Stock is live, so a copy may be kept but must be asked for again each time.
        patch_cache_control(response, private=True, no_cache=True)
        return get_conditional_response(request._request, etag=response["ETag"], response=response)


def find_key(adapter: CatalogAdapter, pk: str) -> Any:
    """The key of a product, on sale or not: its page is there still. Raises ``Http404``."""
    try:
        if "\0" in pk:
            raise ValueError(pk)
        return adapter.model._default_manager.values_list("pk", flat=True).get(pk=pk)
    except (ObjectDoesNotExist, ValidationError, ValueError, TypeError) as error:
        raise Http404(f"There is no product {pk[:100]!r}.") from error


def etag(data: dict[str, Any]) -> str:
    """Weak, for it stands for the answer and not for its bytes."""
    text = json.dumps(data, sort_keys=True, default=str)
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _answer(
    request: Request, product: Any, parameters: Parameters, adapter: CatalogAdapter
) -> dict[str, Any]:
    live = EncoderVersion.objects.filter(status=EncoderVersion.Status.LIVE)
    version = live.values_list("pk", flat=True).first() if parameters.cursor else None
    eligible = adapter.for_display(adapter.eligible(request._request))
    with trace.collected() as answered:
        page = similar_page(
            product,
            parameters.limit,
            within=narrow(adapter, eligible, parameters.filters),
            after=parameters.after(product, version),
            **parameters.options,
        )
    parameters.after(product, page.version)  # another version may have gone live since
    explain = parameters.options.get("explain", False)
    following = parameters.cursor_for(product, page.version, page.next) if page.next else None
    data = {
        "version": page.version,
        "tier": page.hits[0].tier if page.hits else None,
        "results": [hit_data(hit, adapter, explain=explain) for hit in page.hits],
        "next": _address(request, following) if following else None,
    }
    if explain:
        data["plans"] = [plan_data(query) for query in answered]
    return data


def _address(request: Request, cursor: str) -> str:
    query = request.query_params.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{escape_uri_path(request.path)}?{query.urlencode()}")
