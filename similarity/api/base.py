"""What the API's views share: who may ask, how often, errors of one shape, bodies of JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from rest_framework import exceptions
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
from similarity.api.throttling import ClientThrottle
from similarity.exceptions import QueryError
from similarity.similar.within import key_of

#: Bytes of JSON that are read of one request.
MAX_BODY = 64 * 1024

#: The query parameter of REST framework that names a format.
FORMAT = "format"

#: Characters of a product's key.
MAX_KEY = 255

#: Characters of a key that an error repeats.
SHOWN = 100


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

    settings: Any = SimpleNamespace(URL_FORMAT_OVERRIDE=FORMAT)


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

    parser_classes: Sequence[type[BaseParser]] = (JsonParser,)
    #: What its requests are counted with; see ``API["THROTTLE"]``.
    throttle_scope = "shelves"

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


def _needs_no_token(request: Request) -> None:
    """In the place of ``SessionAuthentication.enforce_csrf``."""


def read_body(request: Request, known: Sequence[str]) -> Mapping[str, Any]:
    """The body's fields. Raises :class:`BadParameter` for one that is not ``known``."""
    body = request.data
    if not isinstance(body, Mapping):
        raise exceptions.UnsupportedMediaType(request.content_type or "none")
    for name in body:
        if name not in known:
            raise BadParameter(
                f"There is no field {ascii(name)[:SHOWN]}; known are {', '.join(known)}.",
                ascii(name)[:SHOWN],
            )
    return body


def read_keys(body: Mapping[str, Any], name: str, *, most: int, least: int = 1) -> list[Any]:
    """The products' keys in a field, of the model's own type, each once and in order.

    Raises :class:`BadParameter` for anything but a list of ``least`` to ``most`` keys.
    """
    given = body.get(name, [])
    if not isinstance(given, list) or not least <= len(given) <= most:
        shown = f"{len(given)} entries" if isinstance(given, list) else ascii(given)[:SHOWN]
        raise BadParameter(f"{name} has {shown}; give a list of {least} to {most} keys.", name)
    return list(dict.fromkeys(_key(name, key) for key in given))


def read_limit(body: Mapping[str, Any], default: int, name: str = "limit") -> int:
    """How many results are asked for. Raises :class:`BadParameter`."""
    most = conf.MAX_LIMIT
    limit = body.get(name, min(default, most))
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= most:
        raise BadParameter(
            f"{name} is {ascii(limit)[:SHOWN]}; give a whole number from 1 to {most}.", name
        )
    return limit


def read_flag(body: Mapping[str, Any], name: str) -> bool:
    """A switch, off where it is not given. Raises :class:`BadParameter`."""
    flag = body.get(name, False)
    if not isinstance(flag, bool):
        raise BadParameter(f"{name} is {ascii(flag)[:SHOWN]}; give true or false.", name)
    return flag


def read_text(body: Mapping[str, Any], name: str, *, most: int) -> str:
    """A text without NUL and lone surrogates. Raises :class:`BadParameter`."""
    text = body.get(name, "")
    if not isinstance(text, str) or len(text) > most:
        raise BadParameter(f"{name} must be a text of at most {most} characters.", name)
    if not is_storable(text):
        raise BadParameter(f"{name} holds a NUL or half a character.", name)
    return text


def _key(name: str, key: Any) -> Any:
    require_key(key, name)
    try:
        return key_of(key)
    except QueryError as error:
        raise BadParameter(f"{name} holds {ascii(key)[:SHOWN]}, which is no key.", name) from error


def require_key(key: Any, name: str) -> None:
    """Raises :class:`BadParameter` for what no product's key can be."""
    is_key = isinstance(key, int | str) and not isinstance(key, bool)
    if not is_key or len(str(key)) > MAX_KEY or not is_storable(str(key)):
        raise BadParameter(f"{name} holds {ascii(key)[:SHOWN]}, which is no key.", name)


def is_storable(text: str) -> bool:
    """Whether PostgreSQL and an answer can hold the text: no NUL, no half characters."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")
