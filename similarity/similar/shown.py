"""The products that one page shows already, so that no shelf of the page repeats them.

The record belongs to the request. Shared cached shelves stay as they are: a tag leaves out what
was shown before, and products in reserve move up.
"""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

_ATTRIBUTE = "_similarity_shown"


def shown_on(request: HttpRequest | None) -> frozenset[str]:
    """Return the keys, as texts, of products that the page of this request shows so far."""
    return frozenset(getattr(request, _ATTRIBUTE, ()))


def note_shown(request: HttpRequest | None, keys: Iterable[Any]) -> None:
    """Add products to the record of the page; without a request there is no page."""
    if request is not None:
        every = {*shown_on(request), *(str(key) for key in keys)}
        setattr(request, _ATTRIBUTE, every)
