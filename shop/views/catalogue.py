"""Lists of products, and the product page."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from shop.forms import AddForm
from shop.listing import make_listing, subtree
from shop.models import Brand, Category, Product
from shop.navigation import with_photos
from shop.product_page import option_links


def products(request: HttpRequest) -> HttpResponse:
    listing = make_listing(_visible(), request.GET)
    return render(request, "shop/listing.html", {"title": "All products", "listing": listing})


def category(request: HttpRequest, slug: str) -> HttpResponse:
    chosen = get_object_or_404(Category.objects.select_related("parent__parent__parent"), slug=slug)
    keys = list(subtree(chosen).values_list("pk", flat=True))
    context = {
        "title": chosen.name,
        "category": chosen,
        "ancestors": _ancestors(chosen),
        "children": with_photos(chosen.children.order_by("name")[:24]),
        "listing": make_listing(_visible().filter(category__in=keys), request.GET),
    }
    return render(request, "shop/listing.html", context)


def brand(request: HttpRequest, slug: str) -> HttpResponse:
    chosen = get_object_or_404(Brand, slug=slug)
    listing = make_listing(_visible().filter(brand=chosen), request.GET)
    context = {"title": chosen.name, "brand": chosen, "listing": listing}
    return render(request, "shop/listing.html", context)


def product(request: HttpRequest, pk: int, slug: str) -> HttpResponse:
    shown = get_object_or_404(
        _visible()
        .select_related("brand", "category__parent__parent__parent")
        .prefetch_related("images"),
        pk=pk,
    )
    if slug != shown.slug:
        return redirect(shown, permanent=True)
    context = {
        "product": shown,
        "ancestors": [*_ancestors(shown.category), shown.category],
        "options": option_links(shown),
        "form": AddForm(),
    }
    return render(request, "shop/product.html", context)


def _visible() -> QuerySet[Product]:
    return Product.objects.filter(is_active=True)


def _ancestors(category: Category) -> list[Category]:
    found: list[Category] = []
    parent = category.parent
    while parent is not None:
        found.insert(0, parent)
        parent = parent.parent
    return found
