"""``{% load similarity_orders %}``: products bought together on the host's pages.

``{% bought_together product %}``, ``{% cart_companions cart %}`` and ``{% bundle_offers product
%}`` render the template of the same name. If an error occurs, the tag logs it and the page omits
the shelf.
"""

from typing import Any

from django import template
from django.db.models import QuerySet
from django.template import Context
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from similarity.orders import companions
from similarity.similar.shelf_cache import shelf_items
from similarity.similar.shown import note_shown, shown_on
from similarity.templatetags.rendering import anywhere, draw, key_of

register = template.Library()


@register.simple_tag(takes_context=True)
@anywhere
def bought_together(
    context: Context,
    product: Any,
    limit: int = 4,
    *,
    title: str | None = None,
    within: QuerySet[Any] | None = None,
    explain: bool = False,
    template: str = "similarity/bought_together.html",
) -> SafeString:
    """Render products bought together with ``product``, and the price of all of them."""

    def find() -> dict[str, Any]:
        request = context.get("request")
        hits = companions.product_companions(
            product,
            limit,
            request=request,
            within=within,
            explain=explain,
            exclude=shown_on(request),
        )
        return companions.with_total(product, shelf_items(hits, request), request) if hits else {}

    title = gettext("Bought together") if title is None else title
    return draw(context, "bought_together", product, template, title, find, explain=explain)


@register.simple_tag(takes_context=True)
@anywhere
def cart_companions(
    context: Context,
    cart: Any,
    limit: int = 4,
    *,
    title: str | None = None,
    within: QuerySet[Any] | None = None,
    explain: bool = False,
    template: str = "similarity/cart_companions.html",
) -> SafeString:
    """Render products that go with a whole cart: products, keys, or lines with a ``product``."""

    def find() -> dict[str, Any]:
        request = context.get("request")
        products = companions.products_of(cart)
        note_shown(request, map(key_of, products))
        hits = companions.cart_companions(
            products,
            limit,
            request=request,
            within=within,
            explain=explain,
            exclude=shown_on(request),
        )
        return {"items": shelf_items(hits, request)} if hits else {}

    title = gettext("Goes with your cart") if title is None else title
    return draw(context, "cart_companions", cart, template, title, find, explain=explain)


@register.simple_tag(takes_context=True)
@anywhere
def bundle_offers(
    context: Context,
    product: Any,
    limit: int = 2,
    *,
    title: str | None = None,
    within: QuerySet[Any] | None = None,
    template: str = "similarity/bundle_offers.html",
) -> SafeString:
    """Render published bundles with ``product`` that can be bought now."""

    def find() -> dict[str, Any]:
        request = context.get("request")
        offers = companions.offers(product, limit, request=request, within=within)
        return {"offers": offers} if offers else {}

    title = gettext("Cheaper together") if title is None else title
    return draw(context, "bundle_offers", product, template, title, find)
