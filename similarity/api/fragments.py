"""The shelf that a lazy ``{% similar_products %}`` fetches, as HTML."""

import logging
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.safestring import mark_safe
from rest_framework.renderers import JSONRenderer, StaticHTMLRenderer
from rest_framework.request import Request

from similarity.api.base import SimilarityView
from similarity.catalog.adapter import get_adapter
from similarity.logs import log_error
from similarity.similar.shelf_cache import ShelfArguments, cached_similar, shelf_items

logger = logging.getLogger(__name__)

#: Sent by lazy.js; a browser that follows the link gets a whole page.
FRAGMENT_HEADER = "X-Similarity-Fragment"


class FragmentView(SimilarityView):
    """The shelf alone for lazy.js, or a page around it for a browser without JavaScript."""

    schema = None
    http_method_names = ["get", "head", "options"]
    renderer_classes = (StaticHTMLRenderer, JSONRenderer)  # for refusals

    def get(self, request: Request, arguments: str) -> HttpResponse:
        try:
            asked = ShelfArguments.from_signed(arguments)
        except BadSignature as error:
            raise Http404("This shelf has no valid signature, or is too old.") from error
        with translation.override(asked.language or translation.get_language()):
            response = _answer(request._request, asked)
            response["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
        return response


def _answer(request: HttpRequest, asked: ShelfArguments) -> HttpResponse:
    shelf = _shelf(request, asked)
    if FRAGMENT_HEADER not in request.headers:
        page = {"shelf": shelf, "title": asked.title}
        shelf = render_to_string("similarity/page.html", page, request)
    response = HttpResponse(shelf)
    patch_vary_headers(response, [FRAGMENT_HEADER])
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _shelf(request: HttpRequest, asked: ShelfArguments) -> str:
    """Return the shelf like the tag: an error is logged and gives an empty shelf."""
    try:
        adapter = get_adapter()
        if not adapter.viewable(request).filter(pk=asked.product).exists():
            return mark_safe("")
        hits = cached_similar(
            asked.product,
            asked.limit,
            request=request,
            diversity=asked.diversity,
            explain=asked.explain,
        )
        values: dict[str, Any] = {
            "items": shelf_items(hits, request),
            "title": asked.title,
            "explain": asked.explain,
            "source": asked.product,
            "shelf_id": asked.shelf_id,
            # The page of lazy.js already has the styles from the placeholder.
            "styles": FRAGMENT_HEADER not in request.headers,
        }
        return render_to_string(asked.template, values, request) if hits else mark_safe("")
    except Exception as error:  # noqa: BLE001 - the page continues without the shelf
        log_error(logger, error, "No shelf of products similar to %s.", asked.product)
        return mark_safe("")
