"""What the API's views share: who may ask, how often, errors of one shape, bodies of JSON."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404
from django.utils.cache import get_conditional_response, patch_cache_control
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.metadata import SimpleMetadata
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from similarity import conf
from similarity.api.errors import BadParameter, handle
from similarity.api.schema import ApiSchema
from similarity.api.throttling import ClientThrottle
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.similar.filters import filter_products
from similarity.similar.within import key_field

logger = logging.getLogger(__name__)

#: Bytes of JSON that are read of one request.
MAX_BODY = 64 * 1024


class JsonParser(BaseParser):
    """JSON of at most :data:`MAX_BODY` bytes; whatever else arrives is a 400 that says why."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        """An object; numbers that JSON does not have, such as NaN, are refused."""
        body = stream.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            raise BadParameter(f"The body has more than {MAX_BODY} bytes; ask for less at once.")
        try:
            read = json.loads(body.decode(), parse_constant=_refuse)
        except RecursionError as error:
            raise BadParameter("The body is nested too deeply.") from error
        except ValueError as error:  # also of bytes that are no UTF-8
            raise BadParameter(f"The body is no JSON: {error}.") from error
        if not isinstance(read, dict):
            raise BadParameter("The body must be a JSON object, in braces.")
        return read


class Negotiation(DefaultContentNegotiation):
    """By the ``Accept`` header and ``format``, whatever the host's ``URL_FORMAT_OVERRIDE`` is."""

    settings: Any = SimpleNamespace(URL_FORMAT_OVERRIDE="format")


class ApiView(APIView):
    """A view that the host's ``REST_FRAMEWORK`` reaches by its authentication alone.

    Its versioning, formats, parsers and handlers are for the host's own API: with them an address
    of this API, of health too, would answer 404 or with other names.
    """

    versioning_class = None
    content_negotiation_class = Negotiation
    renderer_classes: Sequence[type[BaseRenderer]] = (JSONRenderer,)
    parser_classes: Sequence[type[BaseParser]] = ()
    metadata_class = SimpleMetadata

    def get_format_suffix(self, **kwargs: Any) -> None:
        """No address of this API ends in a format."""

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        return handle


class SimilarityView(ApiView):
    """Permissions and throttle by the settings, errors as ``similarity.api.errors`` shapes them."""

    schema: Any = ApiSchema()
    parser_classes: Sequence[type[BaseParser]] = (JsonParser,)
    #: What its requests are counted with; see ``API["THROTTLE"]``.
    throttle_scope = "shelves"
    #: Whether ``batch/`` may ask it: it only reads, and costs no more than a shelf or a search.
    in_batch = False

    def get_authenticators(self) -> list[BaseAuthentication]:
        """As the host's settings say, but that no session needs a token against forgery.

        No request changes anything, and a browser sends JSON to another site only where that
        allows it. A form it sends anywhere: where one is taken, the token is asked for.
        """
        authenticators = super().get_authenticators()
        takes_json_alone = all(issubclass(parser, JsonParser) for parser in self.parser_classes)
        for one in authenticators:
            if takes_json_alone and isinstance(one, SessionAuthentication):
                setattr(one, "enforce_csrf", _needs_no_token)  # noqa: B010 - for mypy
        return authenticators

    def get_permissions(self) -> list[BasePermission]:
        return [conf.load(path)() for path in conf.get("API", "PERMISSION_CLASSES")]

    def get_throttles(self) -> list[BaseThrottle]:
        return [ClientThrottle(self.throttle_scope)]


def is_staff(request: Request) -> bool:
    """True if the request is from staff; False if that cannot be determined."""
    try:
        return bool(request.user and request.user.is_staff)
    except Exception:  # the store of sessions may be down, or the login sent along be refused
        logger.info("Nobody is known to be staff.", exc_info=True)
        return False


def find_key(pk: str, request: Request) -> Any:
    """Return the key of a product that may be asked about, on sale or not. Raises ``Http404``."""
    try:
        if "\0" in pk:
            raise ValueError(pk)
        viewable = get_adapter().viewable(request._request).order_by().filter(pk=pk)
        keys = set(viewable.values_list("pk", flat=True))
        if not keys:
            raise ValueError(pk)
        return keys.pop()
    except (ValidationError, ValueError, TypeError) as error:
        raise Http404(f"There is no product {pk[:100]!r}.") from error


def find_keys(keys: Iterable[Any], request: Request) -> set[Any]:
    """Return those of products that may be asked about.

    A number that no column can hold is the key of none.
    """
    asked = [key for key in keys if not isinstance(key, int) or abs(key) < 2**63]
    products = get_adapter().viewable(request._request).order_by().filter(pk__in=asked)
    return {key_field().to_python(key) for key in products.values_list("pk", flat=True)}


def displayable(request: Request, adapter: CatalogAdapter) -> QuerySet[Any]:
    """Return what may be shown now, with what a card reads."""
    return adapter.for_display(adapter.eligible(request._request))


def within(request: Request, filters: dict[str, list[str]]) -> QuerySet[Any]:
    """Return what may be shown now and passes the filters."""
    adapter = get_adapter()
    return filter_products(displayable(request, adapter), filters, adapter)


def live_answer(data: dict[str, Any]) -> Response:
    """Stock is live: a copy may be kept, but must be asked for again each time."""
    response = Response(data)
    patch_cache_control(response, private=True, no_cache=True)
    return response


def tagged_answer(request: Request, data: dict[str, Any]) -> Any:
    """The same with a weak ETag, or 304 where the client holds this answer already."""
    response = live_answer(data)
    text = json.dumps(data, sort_keys=True, default=str)
    response["ETag"] = f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    return get_conditional_response(request._request, etag=response["ETag"], response=response)


def unstored_answer(data: dict[str, Any]) -> Response:
    return Response(data, headers={"Cache-Control": "no-store"})


def _needs_no_token(request: Request) -> None:
    """In the place of ``SessionAuthentication.enforce_csrf``."""


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")
