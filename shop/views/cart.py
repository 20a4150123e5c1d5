"""The cart: every change is a POST that redirects to the cart."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from shop.bundles import priced_cart
from shop.cart import Cart, CartRefused
from shop.forms import AddForm, QuantityForm
from shop.models import Product

MAX_TOGETHER = 20  # products added at once


@never_cache
def cart(request: HttpRequest) -> HttpResponse:
    priced = priced_cart(request)
    for notice in priced.notices:
        messages.warning(request, notice)
    context = {"priced": priced, "lines": priced.lines, "total": priced.total}
    return render(request, "shop/cart.html", context)


@require_POST
def cart_add(request: HttpRequest, pk: int) -> HttpResponse:
    product = get_object_or_404(Product, pk=pk, is_active=True)
    form = AddForm(request.POST)
    if not form.is_valid():
        messages.error(request, _quantity_error(form))
        return redirect(product)
    wanted = form.cleaned_data["quantity"]
    try:
        added = Cart(request.session).add(product, wanted)
    except CartRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(product)
    if added < wanted:
        messages.warning(request, f"Only {added} more of {product.name} could be added.")
    else:
        messages.success(request, f"{product.name} was added to your cart.")
    return redirect("shop:cart")


@require_POST
def cart_add_together(request: HttpRequest) -> HttpResponse:
    """Add one piece of each ticked product: ``product=3&product=17``."""
    keys = dict.fromkeys(key for key in request.POST.getlist("product") if _is_key(key))
    found = Product.objects.filter(is_active=True).in_bulk(map(int, list(keys)[:MAX_TOGETHER]))
    products = [found[int(key)] for key in keys if int(key) in found]
    refusals = Cart(request.session).add_each(products)
    for refusal in refusals:
        messages.error(request, refusal)
    added = len(products) - len(refusals)
    if added:
        what = "1 product was" if added == 1 else f"{added} products were"
        messages.success(request, f"{what} added to your cart.")
    elif not refusals:
        messages.error(request, "You chose no product that can be added to your cart.")
    return redirect("shop:cart")


@require_POST
def cart_update(request: HttpRequest, pk: int) -> HttpResponse:
    product = get_object_or_404(Product, pk=pk)
    form = QuantityForm(request.POST)
    if not form.is_valid():
        messages.error(request, _quantity_error(form))
        return redirect("shop:cart")
    wanted = form.cleaned_data["quantity"]
    held = Cart(request.session).set_quantity(product, wanted)
    if held < wanted:
        messages.warning(request, f"Only {held} of {product.name} can be ordered.")
    return redirect("shop:cart")


@require_POST
def cart_remove(request: HttpRequest, pk: int) -> HttpResponse:
    Cart(request.session).remove(pk)
    messages.success(request, "The product was removed from your cart.")
    return redirect("shop:cart")


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _quantity_error(form: AddForm | QuantityForm) -> str:
    return f"Quantity: {' '.join(form.errors['quantity'])}"
