"""``{% load similarity_shoppers %}``: personal shelves on the host's pages.

``{% for_you %}``, ``{% because_you_viewed %}``, ``{% recently_viewed %}`` and ``{% buy_again %}``
render the template of the same name for the shopper of the page's request; ``{% trending %}`` and
``{% people_also_viewed product %}`` are the same for everybody. ``product`` is that of the page,
which no shelf repeats. A shelf is made anew for each request and never cached, so do not
put these tags inside ``{% cache %}``. If an error occurs, the tag logs it and the page omits the
shelf.
"""

import logging
from typing import Any

from django import template
from django.db.models import QuerySet
from django.template import Context
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from similarity.logs import log_error
from similarity.shoppers import shelves
from similarity.shoppers.shelves import Asked, Shelf, read_shelf
from similarity.shoppers.shopper import shopper_of
from similarity.similar.hits import Hit
from similarity.similar.shelf_cache import shelf_items, shown_to
from similarity.similar.shown import note_shown, shown_on
from similarity.templatetags.rendering import (
    anywhere,
    element_id,
    is_nothing,
    key_of,
    render,
    unique_id,
)

logger = logging.getLogger(__name__)
register = template.Library()

#: Attribute of a request.
_ELIGIBLE = "_similarity_eligible"
_NO_REFUSAL = {"refusal": "", "page": ""}


@register.simple_tag(takes_context=True)
@anywhere
def for_you(
    context: Context,
    limit: int = 8,
    *,
    product: Any = None,
    title: str | None = None,
    within: QuerySet[Any] | None = None,
    diversity: float = 0.0,
    explain: bool = False,
    template: str = "similarity/for_you.html",
) -> SafeString:
    """Render products for the shopper; for an unknown shopper best sellers, titled so."""
    asked = _asked(context, limit, within, product, diversity=diversity, explain=explain)
    return _draw(context, shelves.FOR_YOU, asked, title, template)


@register.simple_tag(takes_context=True)
@anywhere
def get_for_you(
    context: Context,
    limit: int = 8,
    *,
    product: Any = None,
    within: QuerySet[Any] | None = None,
    diversity: float = 0.0,
    explain: bool = False,
) -> list[Hit]:
    """Return the hits of ``for_you``, each with its ``product``, for a template of the host."""
    try:
        asked = _asked(context, limit, within, product, diversity=diversity, explain=explain)
        hits = read_shelf(shelves.FOR_YOU, asked).hits
        note_shown(context.get("request"), [hit.key for hit in hits])
        return hits
    except Exception as error:  # noqa: BLE001 - the page is rendered without the products
        log_error(logger, error, "{%% get_for_you %%} has no products.")
        return []


@register.simple_tag(takes_context=True)
@anywhere
def because_you_viewed(
    context: Context,
    limit: int = 8,
    *,
    product: Any = None,
    title: str | None = None,
    within: QuerySet[Any] | None = None,
    template: str = "similarity/because_you_viewed.html",
) -> SafeString:
    """Render products similar to the last one that the shopper looked at, which the title names."""
    asked = _asked(context, limit, within, product)
    return _draw(context, shelves.BECAUSE, asked, title, template)


@register.simple_tag(takes_context=True)
@anywhere
def recently_viewed(
    context: Context,
    limit: int = 8,
    *,
    product: Any = None,
    title: str | None = None,
    within: QuerySet[Any] | None = None,
    template: str = "similarity/recently_viewed.html",
) -> SafeString:
    """Render the products that the shopper looked at last and that may be shown now."""
    asked = _asked(context, limit, within, product)
    return _draw(context, shelves.RECENT, asked, title, template)


@register.simple_tag(takes_context=True)
@anywhere
def buy_again(
    context: Context,
    limit: int = 8,
    *,
    product: Any = None,
    title: str | None = None,
    within: QuerySet[Any] | None = None,
    template: str = "similarity/buy_again.html",
) -> SafeString:
    """Render products that the shopper bought before, those first that are due again."""
    asked = _asked(context, limit, within, product)
    return _draw(context, shelves.AGAIN, asked, title, template)


@register.simple_tag(takes_context=True)
@anywhere
def trending(
    context: Context,
    limit: int = 8,
    *,
    product: Any = None,
    title: str | None = None,
    within: QuerySet[Any] | None = None,
    template: str = "similarity/trending.html",
) -> SafeString:
    """Render products that verified shoppers look at more than before; the same for everybody."""
    asked = _asked(context, limit, within, product)
    return _draw(context, shelves.TRENDING, asked, title, template)


@register.simple_tag(takes_context=True)
@anywhere
def people_also_viewed(
    context: Context,
    product: Any,
    limit: int = 8,
    *,
    title: str | None = None,
    within: QuerySet[Any] | None = None,
    template: str = "similarity/people_also_viewed.html",
) -> SafeString:
    """Render products that verified shoppers looked at on the same day as ``product``."""
    if is_nothing(product, "people_also_viewed"):
        return mark_safe("")
    asked = _asked(context, limit, within, product)
    return _draw(context, shelves.ALSO, asked, title, template)


def _asked(
    context: Context, limit: int, within: QuerySet[Any] | None, product: Any, **how: Any
) -> Asked:
    """Return what the page asks; products of its earlier shelves are left out."""
    request = context.get("request")
    if product == "":  # an undefined variable
        product = None
    eligible = _shown_to(request) if within is None else shown_to(request, within)
    return Asked(request, limit, eligible, shown_on(request), product, **how)


def _shown_to(request: Any) -> QuerySet[Any]:
    """Return the products that may be shown to the request, by one queryset for all shelves."""
    kept: QuerySet[Any] | None = getattr(request, _ELIGIBLE, None)
    if kept is None:  # a queryset that is asked for its truth would be read
        kept = shown_to(request, None)
        if request is not None:
            setattr(request, _ELIGIBLE, kept)
    return kept


def _draw(
    context: Context, name: str, asked: Asked, title: str | None, template: str
) -> SafeString:
    """Return the rendered shelf; empty if there is nothing to show, or after an error."""
    try:
        shelf = read_shelf(name, asked)
        if not shelf.hits:
            return mark_safe("")
        product = [] if asked.product is None else [key_of(asked.product)]
        note_shown(asked.who, [*product, *(hit.key for hit in shelf.hits)])
        values = {
            "shelf": name,
            "items": shelf_items(shelf.hits, asked.who),
            "title": _title(name, shelf) if title is None else title,
            "because": shelf.because,
            "explain": asked.explain,
            "shelf_id": unique_id(context, element_id(name, template, title)),
            **(_NO_REFUSAL if name in shelves.PUBLIC else _refusal(asked.who)),
        }
        return render(context, template, values)
    except Exception as error:  # noqa: BLE001 - the page is rendered without the shelf
        log_error(logger, error, "{%% %s %%} has no shelf.", name)
        return mark_safe("")


def _title(name: str, shelf: Shelf) -> str:
    if name == shelves.BECAUSE:
        return gettext("Because you looked at %(title)s") % {"title": shelf.title}
    if name == shelves.FOR_YOU and all(hit.tier == "popular" for hit in shelf.hits):
        return gettext("Popular products")
    titles = {
        shelves.FOR_YOU: gettext("For you"),
        shelves.RECENT: gettext("Recently viewed"),
        shelves.AGAIN: gettext("Buy again"),
        shelves.TRENDING: gettext("Trending"),
        shelves.ALSO: gettext("People also viewed"),
    }
    return titles[name]


def _refusal(request: Any) -> dict[str, str]:
    """Return the address of the form for "not interested", only for a shopper who consented.

    The form needs a CSRF cookie, which nobody gets who did not consent.
    """
    if request is None or shopper_of(request).profile is None:
        return _NO_REFUSAL
    return {"refusal": reverse("similarity:event_form"), "page": request.get_full_path()}
