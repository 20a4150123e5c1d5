"""Signing in, a shopper's own page, and consent to personal suggestions."""

import json

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from shop.forms import SignInForm, SignUpForm
from shop.limits import limit_posts
from shop.models import Order, Product
from similarity.events import erase, export, forget, give_consent, profile_of, read_history
from similarity.events import remember as remember_shopper

HISTORY = 24
ORDERS = 10


@method_decorator([never_cache, limit_posts("log-in", "20/hour")], name="dispatch")
class SignIn(LoginView):
    template_name = "shop/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True
    next_page = "shop:account"


@never_cache
@limit_posts("sign-up", "20/hour")
def sign_up(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("shop:account")
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.save())
        return redirect("shop:account")
    return render(request, "shop/sign_up.html", {"form": form})


@never_cache
def account(request: HttpRequest) -> HttpResponse:
    """Show the shopper's orders, and what the shop remembers; also without an account."""
    profile = profile_of(request)
    return render(
        request,
        "shop/account.html",
        {"profile": profile, "history": history(profile), "orders": orders_of(request)},
    )


@never_cache
@require_POST
def consent(request: HttpRequest) -> HttpResponse:
    """Take the answer to the banner. A refusal leaves nothing, not even a cookie."""
    response = back(request)
    if request.POST.get("consent") == "yes":
        _profile, token = give_consent(request)
        if token is not None:
            remember_shopper(response, token)
        messages.success(request, "Your suggestions now follow what you look at.")
    return response


@never_cache
@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    profile = profile_of(request)
    if profile is not None:
        profile.personal = "personal" in request.POST
        profile.reasons = "reasons" in request.POST
        profile.save(update_fields=["personal", "reasons"])
        messages.success(request, "Your choices were saved.")
    return redirect("shop:account")


@never_cache
def download(request: HttpRequest) -> HttpResponse:
    """Return everything that the shop remembers of this shopper as a file of JSON."""
    profile = profile_of(request)
    if profile is None:
        return redirect("shop:account")
    text = json.dumps(export(profile), indent=2, ensure_ascii=False, default=str)
    return HttpResponse(
        text,
        content_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="my-history.json"'},
    )


@never_cache
@require_POST
def erase_history(request: HttpRequest) -> HttpResponse:
    profile = profile_of(request)
    response = redirect("shop:account")
    if profile is not None:
        erase(profile)
        forget(response)
        messages.success(request, "The shop has forgotten what you looked at.")
    return response


def history(profile) -> list[Product]:
    """Return the products the shopper looked at last that are still sold, latest first."""
    if profile is None:
        return []
    seen = read_history(profile.pk, 4 * HISTORY, Product.objects.db)
    keys = list(dict.fromkeys(one.product for one in seen))
    found = Product.objects.available().select_related("brand", "category")
    products = found.prefetch_related("images").in_bulk(keys)
    return [products[key] for key in keys if key in products][:HISTORY]


def orders_of(request: HttpRequest) -> list[Order]:
    if not request.user.is_authenticated:
        return []
    orders = Order.objects.filter(customer__user=request.user)
    return list(orders.prefetch_related("lines__product")[:ORDERS])


def back(request: HttpRequest) -> HttpResponse:
    """Redirect to the page that the form was on."""
    page = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    return redirect(page if safe else "shop:home")
