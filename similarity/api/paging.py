"""Signed cursors, and addresses of the next pages."""

import hashlib
import json
from typing import Any

from django.core import signing
from django.utils.encoding import escape_uri_path
from rest_framework.request import Request

from similarity.api.errors import BadParameter


class Cursor:
    """The cursor of one query: ``asked`` holds everything that decides the order of its hits."""

    def __init__(self, salt: str, *asked: Any) -> None:
        self._signer = signing.Signer(salt=salt)
        text = json.dumps(asked, sort_keys=True, default=str)
        self._digest = hashlib.sha256(text.encode()).hexdigest()[:16]

    def position(self, cursor: str | None) -> str | None:
        """Return where the page begins; raise :class:`BadParameter` for another query's cursor."""
        if cursor is None:
            return None
        try:
            asked, position = self._signer.unsign_object(cursor)
        except (signing.BadSignature, ValueError, TypeError) as error:
            raise BadParameter(
                "cursor was not made by this API; leave it out to start again.", "cursor"
            ) from error
        if asked != self._digest:
            raise BadParameter(
                "cursor belongs to another query, or to vectors replaced since; leave it out to "
                "start again.",
                "cursor",
            )
        return str(position)

    def next_page(self, request: Request, position: str | None) -> str | None:
        """Return the address of the page that begins at ``position``; None at the end."""
        if not position:
            return None
        return page_address(request, self._signer.sign_object([self._digest, position]))


def page_address(request: Request, cursor: str) -> str:
    query = request.query_params.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{escape_uri_path(request.path)}?{query.urlencode()}")
