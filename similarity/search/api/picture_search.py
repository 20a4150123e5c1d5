"""``POST search/image/``: products that look like an uploaded picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import SuspiciousOperation
from rest_framework import exceptions
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from similarity.api.base import SimilarityView
from similarity.api.errors import RETRY_AFTER_S, BadParameter
from similarity.api.query_string import read_limit, read_lists
from similarity.api.serializers import hit_data
from similarity.api.throttling import PICTURES
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.exceptions import ImageRejected
from similarity.models import EncoderVersion
from similarity.search.api.picture_schema import DEFAULT_LIMIT, MAX_TEXT, PictureSearchSchema
from similarity.search.api.uploads import bound_picture_upload
from similarity.search.picture import PictureUnavailable, encode_picture, search_by_picture
from similarity.similar.filters import filter_products

OPTIONS = ("image", "q", "limit")


class TooLarge(exceptions.APIException):
    status_code = 413
    default_code = "too_large"


class Unavailable(exceptions.APIException):
    status_code = 503
    default_code = "unavailable"
    wait = RETRY_AFTER_S  # sent as Retry-After


class PictureSearchView(SimilarityView):
    """Products that look like the picture, of those that may be shown now. It is not stored."""

    schema = PictureSearchSchema()
    http_method_names = ["post", "options"]
    parser_classes = (MultiPartParser,)
    throttle_scope = PICTURES  # each costs a worker a run of its network

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        refused = bound_picture_upload(request._request)
        if refused:
            raise TooLarge(refused)
        super().initial(request, *args, **kwargs)

    def post(self, request: Request) -> Response:
        adapter = get_adapter()
        asked = PictureRequest.read(request, adapter)
        eligible = adapter.for_display(adapter.eligible(request._request))
        within = filter_products(eligible, asked.filters, adapter)
        hits = search_by_picture(_vector(asked.image), asked.text, asked.limit, within=within)
        version = EncoderVersion.objects.filter(status=EncoderVersion.Status.LIVE)
        data = {
            "version": version.values_list("pk", flat=True).first(),
            "results": [hit_data(hit, adapter, explain=False) for hit in hits],
        }
        return Response(data, headers={"Cache-Control": "no-store"})


@dataclass(frozen=True)
class PictureRequest:
    """The form, read and checked; ``filters`` is name → values."""

    image: bytes
    text: str
    limit: int
    filters: Mapping[str, Sequence[str]]

    @classmethod
    def read(cls, request: Request, adapter: CatalogAdapter) -> "PictureRequest":
        """Raises :class:`BadParameter` naming the field, its value and what it may be."""
        _refuse_query(request)
        fields = read_lists(_fields(request).items(), OPTIONS, adapter, kind="field")
        text = str((fields.pop("q", None) or [""])[-1]).strip()
        if len(text) > MAX_TEXT:
            raise BadParameter(f"q has {len(text)} characters; send {MAX_TEXT} at most.", "q")
        limit = read_limit((fields.pop("limit", None) or [None])[-1], DEFAULT_LIMIT)
        fields.pop("image", None)
        return cls(_image(request), text, limit, fields)


def _vector(image: bytes) -> Any:
    try:
        return encode_picture(image)
    except ImageRejected as error:
        raise BadParameter(str(error), "image") from error
    except PictureUnavailable as error:
        raise Unavailable(str(error)) from error


def _refuse_query(request: Request) -> None:
    for name in request.query_params:
        if name != "format":
            raise BadParameter(
                f"There is no query parameter {name[:100]!r}; send it as a field of the form.",
                name[:100],
            )


def _fields(request: Request) -> dict[str, list[Any]]:
    """Every field but files, each with all its values."""
    try:
        return {name: request.POST.getlist(name) for name in request.POST} | {
            name: [] for name in request.FILES
        }
    except (SuspiciousOperation, LookupError, ValueError) as error:
        # Too many fields, or an encoding that is none of text.
        raise BadParameter(f"The form cannot be read ({type(error).__name__}).") from error


def _image(request: Request) -> bytes:
    files = request.FILES.getlist("image")
    if len(files) != 1:
        raise BadParameter(f"The form holds {len(files)} files named image; send one.", "image")
    return files[0].read()
