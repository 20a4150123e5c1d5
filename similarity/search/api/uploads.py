"""Uploads of pictures: bounded before they are read, kept in memory alone, and not too many."""

from typing import Any

from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest

from similarity.api.throttling import PICTURES, ClientThrottle
from similarity.catalog import picture_header

#: What the form around a picture may take: its other fields, names and boundaries.
FORM_BYTES = 64 * 1024


class MemoryOnlyHandler(MemoryFileUploadHandler):
    """As Django's, without a size from which files go to disk; the request is bounded before."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        self.activated = True


def bound_picture_upload(request: HttpRequest) -> str:
    """Bound the upload of one picture; return why it is refused, "" if it is not.

    To be called before anything reads the body, so outside ``CsrfViewMiddleware``: a view
    that a form posts to is ``csrf_exempt``, and hands on to one that is ``csrf_protect``.
    """
    most = picture_header.QUERY_MAX_BYTES
    if content_length(request) > most + FORM_BYTES:
        return f"The upload has more than {most} bytes; send a smaller picture."
    request.upload_handlers = [MemoryOnlyHandler(request)]
    return ""


class PictureThrottle(ClientThrottle):
    """Limits a client's pictures to ``API["PICTURE_THROTTLE"]``, counting pages and API
    together."""

    def __init__(self) -> None:
        super().__init__(PICTURES)


def content_length(request: HttpRequest) -> int:
    """What the client says it sends; Django reads no further."""
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(text) if text.isascii() and text.isdecimal() else 0
