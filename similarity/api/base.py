"""The base of the API's views: permissions, throttle, JSON bodies, and errors of one shape."""

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

#: The most bytes of JSON that are read of one request.
MAX_BODY = 64 * 1024


class JsonParser(BaseParser):
    """JSON of at most ``max_body`` bytes; any other body is a 400 with the reason."""

    media_type = "application/json"
    max_body = MAX_BODY

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        """Return the object; refuse numbers that JSON does not have, such as NaN."""
        body = stream.read(self.max_body + 1)
        if len(body) > self.max_body:
            raise BadParameter(
                f"The body has more than {self.max_body} bytes; ask for less at once."
            )
        try:
            read = json.loads(body.decode(), parse_constant=_refuse)
        except RecursionError as error:
            raise BadParameter("The body is nested too deeply.") from error
        except ValueError as error:  # also for bytes that are not UTF-8
            raise BadParameter(f"The body is not JSON: {error}.") from error
        if not isinstance(read, dict):
            raise BadParameter("The body must be a JSON object, in braces.")
        return read


class Negotiation(DefaultContentNegotiation):
    """By the ``Accept`` header and ``format``, regardless of the host's ``URL_FORMAT_OVERRIDE``."""

    settings: Any = SimpleNamespace(URL_FORMAT_OVERRIDE="format")


class ApiView(APIView):
    """A view that uses only the authentication of the host's ``REST_FRAMEWORK``.

    Its versioning, formats, parsers and handlers are for the host's own API. With them, addresses
    of this API, also of health, would answer 404 or with other names.
    """

    versioning_class = None
    content_negotiation_class = Negotiation
    renderer_classes: Sequence[type[BaseRenderer]] = (JSONRenderer,)
    parser_classes: Sequence[type[BaseParser]] = ()
    metadata_class = SimpleMetadata

    def get_format_suffix(self, **kwargs: Any) -> None:
        """Return None, because no address of this API ends in a format."""

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        return handle


class SimilarityView(ApiView):
    """A view with the settings' permissions and throttle, and errors of
    ``similarity.api.errors``."""

    schema: Any = ApiSchema()
    parser_classes: Sequence[type[BaseParser]] = (JsonParser,)
    #: The scope in which its requests are counted; see ``API["THROTTLE"]``.
    throttle_scope = "shelves"
    #: True if ``batch/`` may call it: it only reads, and costs no more than a shelf or a search.
    in_batch = False

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Return the host's authenticators; with JSON alone, sessions need no CSRF token.

        No request changes data, and a browser sends JSON to another site only if that site allows
        it. A browser sends a form to any site, so a view that accepts forms requires the token.
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
    except Exception:  # the session store may be down, or the sent login refused
        logger.info("The request could not be identified as staff.", exc_info=True)
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
    """Return the keys of products that may be asked about.

    A number too large for every column is not a product's key.
    """
    asked = [key for key in keys if not isinstance(key, int) or abs(key) < 2**63]
    products = get_adapter().viewable(request._request).order_by().filter(pk__in=asked)
    return {key_field().to_python(key) for key in products.values_list("pk", flat=True)}


def displayable(request: Request, adapter: CatalogAdapter) -> QuerySet[Any]:
    """Return the products that may be shown now, with the data that a card needs."""
    return adapter.for_display(adapter.eligible(request._request))


def within(request: Request, filters: dict[str, list[str]]) -> QuerySet[Any]:
    """Return the products that may be shown now and pass the filters."""
    adapter = get_adapter()
    return filter_products(displayable(request, adapter), filters, adapter)


def live_answer(data: dict[str, Any]) -> Response:
    """Return the answer; a copy may be kept but must be revalidated, because stock is live."""
    response = Response(data)
    patch_cache_control(response, private=True, no_cache=True)
    return response


def tagged_answer(request: Request, data: dict[str, Any]) -> Any:
    """Return the answer with a weak ETag, or 304 if the client already has this answer."""
    response = live_answer(data)
    text = json.dumps(data, sort_keys=True, default=str)
    response["ETag"] = f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    return get_conditional_response(request._request, etag=response["ETag"], response=response)


def unstored_answer(data: dict[str, Any]) -> Response:
    return Response(data, headers={"Cache-Control": "no-store"})


def personal_answer(data: Any, status: int = 200) -> Response:
    """Return an answer for one person, which neither a browser nor a proxy stores."""
    return Response(data, status=status, headers={"Cache-Control": "private, no-store"})


def _needs_no_token(request: Request) -> None:
    """Replace ``SessionAuthentication.enforce_csrf``."""


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON number")
