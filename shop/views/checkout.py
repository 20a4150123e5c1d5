"""From the cart to a placed order."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache

from shop.bundles import CartBundles, priced_cart
from shop.cart import Cart
from shop.checkout import CheckoutRefused, new_order_number, place_order
from shop.forms import CheckoutForm
from shop.limits import limit_posts
from shop.models import Order

NEXT_ORDER = "next_order_number"
PLACED_ORDERS = "placed_orders"


@never_cache
@limit_posts("order", "30/hour")
def checkout(request: HttpRequest) -> HttpResponse:
    priced = priced_cart(request)
    for notice in priced.notices:
        messages.warning(request, notice)
    if priced.notices or not priced.lines:
        return redirect("shop:cart")
    number = request.session.setdefault(NEXT_ORDER, new_order_number())
    form = CheckoutForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _place(request, number, priced.lines, form)
    context = {"form": form, "priced": priced, "lines": priced.lines, "total": priced.total}
    return render(request, "shop/checkout.html", context)


@never_cache
def confirmation(request: HttpRequest, number: str) -> HttpResponse:
    """Show an order, only to the session that placed it."""
    if number not in request.session.get(PLACED_ORDERS, []):
        raise Http404("This session did not place this order.")
    orders = Order.objects.prefetch_related("lines__product__images", "lines__product__brand")
    return render(
        request, "shop/confirmation.html", {"order": get_object_or_404(orders, number=number)}
    )


def _place(request: HttpRequest, number: str, lines: list, form: CheckoutForm) -> HttpResponse:
    data = form.cleaned_data
    try:
        order = place_order(
            number, lines, name=data["name"], email=data["email"], address=form.address
        )
    except CheckoutRefused as refusal:
        for problem in refusal.problems:
            messages.error(request, problem)
        return redirect("shop:cart")
    Cart(request.session).clear()
    CartBundles(request.session).clear()
    request.session.pop(NEXT_ORDER, None)
    request.session[PLACED_ORDERS] = [*request.session.get(PLACED_ORDERS, []), order.number][-20:]
    return redirect("shop:confirmation", order.number)
