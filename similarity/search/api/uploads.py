"""Uploads of pictures: limited in size and number, and kept only in memory."""

from typing import Any

from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest

from similarity.api.throttling import PICTURES, ClientThrottle
from similarity.catalog import picture_header

#: The most bytes of the form around a picture: other fields, names and boundaries.
FORM_BYTES = 64 * 1024


class MemoryOnlyHandler(MemoryFileUploadHandler):
    """Django's handler, but files never go to disk; the request's size is limited before."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        self.activated = True


def bound_picture_upload(request: HttpRequest) -> str:
    """Limit the upload of one picture; return why it is refused, or "".

    Call it before any code reads the body, so outside ``CsrfViewMiddleware``: a view for such a
    form is ``csrf_exempt``, and calls a view that is ``csrf_protect``.
    """
    most = picture_header.QUERY_MAX_BYTES
    if content_length(request) > most + FORM_BYTES:
        return f"The upload has more than {most} bytes; send a smaller picture."
    request.upload_handlers = [MemoryOnlyHandler(request)]
    return ""


class PictureThrottle(ClientThrottle):
    """Limits a client's pictures to ``API["PICTURE_THROTTLE"]``, pages and API together."""

    def __init__(self) -> None:
        super().__init__(PICTURES)


def content_length(request: HttpRequest) -> int:
    """Return the length that the client announced; Django reads no further."""
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(text) if text.isascii() and text.isdecimal() else 0
