"""Uploads that are bounded before they are read, and kept in memory alone."""

from typing import Any

from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest

from similarity import conf

#: What the form around a picture may take: its other fields, names and boundaries.
FORM_BYTES = 64 * 1024


class MemoryOnlyHandler(MemoryFileUploadHandler):
    """As Django's, without a size from which files go to disk; the request is bounded before."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        self.activated = True


def bound_upload(request: HttpRequest) -> str:
    """Prepare the request for one picture; returns why it is refused, "" where it is not.

    To be called before anything reads the body, so outside ``CsrfViewMiddleware``: a view
    that a form posts to is ``csrf_exempt``, and hands on to one that is ``csrf_protect``.
    """
    most = conf.get("IMAGE_QUERY_MAX_BYTES")
    if content_length(request) > most + FORM_BYTES:
        return f"The upload has more than {most} bytes; send a smaller picture."
    request.upload_handlers = [MemoryOnlyHandler(request)]
    return ""


def content_length(request: HttpRequest) -> int:
    """What the client says it sends; Django reads no further."""
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(text) if text.isascii() and text.isdecimal() else 0
