"""Add bundles to the cart and remove them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from shop.bundles import CartBundles
from shop.cart import CartRefused
from shop.templatetags.shop import money
from similarity.orders import offers_of
from similarity.orders.models import Bundle


@require_POST
def bundle_add(request: HttpRequest, pk: int) -> HttpResponse:
    offer = offers_of([str(pk)], request=request).get(str(pk))
    if offer is None:
        messages.error(request, "This bundle can no longer be bought.")
        return redirect("shop:cart")
    try:
        CartBundles(request.session).add(offer)
    except CartRefused as refusal:
        messages.error(request, f"{offer.name} was not added. {refusal}")
    else:
        price = money(offer.price, offer.currency)
        messages.success(request, f"{offer.name} was added to your cart for {price}.")
    return redirect("shop:cart")


@require_POST
def bundle_remove(request: HttpRequest, pk: int) -> HttpResponse:
    held = Bundle.objects.filter(pk=pk).values_list("products", flat=True).first() or []
    CartBundles(request.session).remove(str(pk), [int(key) for key in held if key.isdecimal()])
    messages.success(request, "The bundle was removed from your cart.")
    return redirect("shop:cart")
