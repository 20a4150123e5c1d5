"""``GET products/{pk}/similar/``."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.encoding import escape_uri_path
from rest_framework.request import Request
from rest_framework.response import Response

from similarity.api.base import SimilarityView
from similarity.api.health import is_staff
from similarity.api.parameters import Parameters
from similarity.api.schema import SimilarSchema
from similarity.api.serializers import hit_data, plan_data
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.models import EncoderVersion
from similarity.similar import trace
from similarity.similar.filters import filter_products
from similarity.similar.shelves import similar_page
from similarity.similar.within import key_field


class SimilarView(SimilarityView):
    """Products similar to one product, best first, of those that may be shown now."""

    schema = SimilarSchema()
    http_method_names = ["get", "head", "options"]

    def get(self, request: Request, key: str) -> Any:
        adapter = get_adapter()
        product = find_key(adapter, key, request)
        parameters = Parameters.parse(request.query_params, adapter)
        data = _answer(request, product, parameters, adapter)
        response = Response(data)
        response["ETag"] = etag(data)
        # Stock is live, so a copy may be kept but must be asked for again each time.
        patch_cache_control(response, private=True, no_cache=True)
        return get_conditional_response(request._request, etag=response["ETag"], response=response)


def find_key(adapter: CatalogAdapter, pk: str, request: Request) -> Any:
    """The key of a product that may be asked about, on sale or not. Raises ``Http404``."""
    try:
        if "\0" in pk:
            raise ValueError(pk)
        viewable = adapter.viewable(request._request).order_by().filter(pk=pk)
        keys = set(viewable.values_list("pk", flat=True))
        if not keys:
            raise ValueError(pk)
        return keys.pop()
    except (ValidationError, ValueError, TypeError) as error:
        raise Http404(f"There is no product {pk[:100]!r}.") from error


def find_keys(adapter: CatalogAdapter, keys: Iterable[Any], request: Request) -> set[Any]:
    """Those of products that may be asked about; a number that no column can hold is of none."""
    asked = [key for key in keys if not isinstance(key, int) or abs(key) < 2**63]
    products = adapter.viewable(request._request).order_by().filter(pk__in=asked)
    return {key_field().to_python(key) for key in products.values_list("pk", flat=True)}


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
    with trace.trace_queries() as answered:
        page = similar_page(
            product,
            parameters.limit,
            within=filter_products(eligible, parameters.filters, adapter),
            after=parameters.after(product, version),
            **parameters.options,
        )
    parameters.after(product, page.version)  # another version may have gone live since
    explain, figures = parameters.options.get("explain", False), is_staff(request)
    following = parameters.cursor_for(product, page.version, page.next) if page.next else None
    data = {
        "version": page.version,
        "tier": page.hits[0].tier if page.hits else None,
        "results": [hit_data(hit, adapter, explain=explain, figures=figures) for hit in page.hits],
        "next": _address(request, following) if following else None,
    }
    if explain:
        data["plans"] = [plan_data(query, figures=figures) for query in answered]
    return data


def _address(request: Request, cursor: str) -> str:
    query = request.query_params.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{escape_uri_path(request.path)}?{query.urlencode()}")
