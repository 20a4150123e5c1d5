"""Checks of pages and models of personal shelves."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.db import DatabaseError, connections

from similarity.shoppers import status
from similarity.vectors import upsert

PAGE_CACHE = "django.middleware.cache.UpdateCacheMiddleware"
REQUEST = "django.template.context_processors.request"
DJANGO_TEMPLATES = "django.template.backends.django.DjangoTemplates"


def check_pages(**kwargs: Any) -> list[CheckMessage]:
    """Check that no page with a personal shelf is cached, and that tags see the request."""
    return [*_check_page_cache(), *_check_request()]


def check_live_models(
    *, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that the live models can answer, for what the live encoder version knows."""
    alias = upsert.alias()
    if alias not in (databases or ()) or connections[alias].vendor != "postgresql":
        return []
    try:
        faults = list(status.faults(alias))
    except DatabaseError:
        return []  # similarity.E032 and W035
    return [Warning(fault, hint=hint, id="similarity.W092") for fault, hint in faults]


def _check_page_cache() -> list[CheckMessage]:
    if PAGE_CACHE not in settings.MIDDLEWARE:
        return []
    return [
        Warning(
            f"{PAGE_CACHE} caches whole pages, so a page with personal shelves may be shown to "
            "another shopper.",
            hint="Remove it, or put never_cache on the views of pages with personal shelves and "
            "silence similarity.W090.",
            id="similarity.W090",
        )
    ]


def _check_request() -> list[CheckMessage]:
    for engine in settings.TEMPLATES:
        options: Any = engine.get("OPTIONS", {})
        is_djangos = engine.get("BACKEND") == DJANGO_TEMPLATES
        if is_djangos and REQUEST in options.get("context_processors", []):
            return []
    return [
        Warning(
            f"No template engine has {REQUEST!r}, so the tags of personal shelves do not know the "
            "shopper and show best sellers to everybody.",
            hint="Add it to the context_processors of TEMPLATES, or pass 'request' in the context.",
            id="similarity.W091",
        )
    ]
