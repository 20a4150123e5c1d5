"""``{% load similarity %}``: shelves of products for the host's pages.

``{% similar_products product limit=8 %}`` renders ``similarity/similar_products.html``;
``{% get_similar product limit=8 as hits %}`` gives the hits to a template of the host.
An error is logged, and the page is rendered without the shelf.
"""

import logging
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any

from django import template
from django.conf import settings
from django.db.models import QuerySet
from django.template import Context
from django.template.defaultfilters import floatformat
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, to_locale

from similarity.exceptions import QueryError
from similarity.logs import log_error
from similarity.similar.hits import Hit
from similarity.similar.shelf_cache import (
    DEFAULT_TEMPLATE,
    ShelfArguments,
    cached_similar,
    shelf_items,
)
from similarity.similar.shown import note_shown, shown_on
from similarity.templatetags.rendering import anywhere, is_nothing, key_of, render, unique_id

logger = logging.getLogger(__name__)
register = template.Library()


@register.simple_tag(takes_context=True)
@anywhere
def similar_products(
    context: Context,
    product: Any,
    limit: int = 8,
    *,
    title: str | None = None,
    diversity: float = 0.0,
    within: QuerySet[Any] | None = None,
    explain: bool = False,
    template: str = DEFAULT_TEMPLATE,
    lazy: bool = False,
) -> SafeString:
    """Return a shelf of products similar to ``product``, an instance or its key.

    ``within`` narrows the shelf to a queryset. ``lazy`` renders a placeholder; a script fetches
    the shelf when it comes near the viewport.
    """
    title = gettext("Similar products") if title is None else title
    if is_nothing(product, "similar_products"):
        return mark_safe("")
    try:
        told = (str(key_of(product)), limit, title, diversity, explain, template)
        arguments = ShelfArguments(*told, language=get_language() or "")
        if lazy:
            return _placeholder(context, arguments, within)
        hits = _hits(context, product, limit, within, diversity, explain)
        note_shown(context.get("request"), _keys(product, hits))
        items = shelf_items(hits, context.get("request"))
        shelf = {"items": items, "title": title, "explain": explain}
        shelf |= {"source": key_of(product), "shelf_id": unique_id(context, arguments.shelf_id)}
        return render(context, template, shelf) if hits else mark_safe("")
    except Exception as error:  # noqa: BLE001 - the page is rendered without the shelf
        log_error(logger, error, "No shelf of products similar to %s.", key_of(product))
        return mark_safe("")


@register.simple_tag(takes_context=True)
@anywhere
def get_similar(
    context: Context,
    product: Any,
    limit: int = 8,
    *,
    diversity: float = 0.0,
    within: QuerySet[Any] | None = None,
    explain: bool = False,
) -> list[Hit]:
    """Return the hits themselves, each with its ``product``; empty without similar products."""
    if is_nothing(product, "get_similar"):
        return []
    try:
        hits = _hits(context, product, limit, within, diversity, explain)
        note_shown(context.get("request"), _keys(product, hits))
        return hits
    except Exception as error:  # noqa: BLE001 - the page is rendered without the products
        log_error(logger, error, "No products similar to %s.", key_of(product))
        return []


@register.filter
def money(amount: Decimal | None, currency: str = "") -> str:
    """Return a price in the page's language: "€35.90", "35,90 €".

    Uses Babel if it is installed; without Babel the result is "35.90 EUR".
    """
    if amount is None:
        return ""
    babel = _babel()
    if currency and babel:
        try:
            locale = to_locale(get_language() or settings.LANGUAGE_CODE)
            return str(babel.numbers.format_currency(amount, currency, locale=locale))
        except babel.UnknownLocaleError:
            pass  # a language of the host's own, unknown to Babel
    return f"{floatformat(amount, '2g')} {currency}".strip()


@register.simple_tag
def asset(name: str) -> str:
    """Return the address of a style sheet or script of the plugin.

    Empty if the host's storage lacks the file, for example before ``collectstatic``: the shelf is
    then rendered without it.
    """
    try:
        return str(static(name))
    except Exception as error:  # noqa: BLE001 - storages raise their own errors
        log_error(logger, error, "%s has no address; run: manage.py collectstatic.", name)
        return ""


@cache
def _babel() -> Any:
    try:
        import_module("babel.numbers")
        return import_module("babel")
    except ImportError:
        return None


def _hits(
    context: Context,
    product: Any,
    limit: int,
    within: QuerySet[Any] | None,
    diversity: float,
    explain: bool,
) -> list[Hit]:
    request = context.get("request")
    return cached_similar(
        product,
        limit,
        request=request,
        within=within,
        diversity=diversity,
        explain=explain,
        exclude=shown_on(request),
    )


def _keys(product: Any, hits: Sequence[Hit]) -> list[Any]:
    return [key_of(product), *(hit.key for hit in hits)]


def _placeholder(
    context: Context, arguments: ShelfArguments, within: QuerySet[Any] | None
) -> SafeString:
    if within is not None:
        raise QueryError(
            "similar_products got both lazy=True and within; a queryset cannot travel in an "
            "address. Leave either out."
        )
    address = reverse("similarity:fragment", args=[arguments.signed()])
    return render(
        context,
        "similarity/lazy.html",
        {"address": address, "title": arguments.title, "source": arguments.product},
    )
