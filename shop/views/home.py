"""The front page and the overview of categories."""

from collections import Counter
from datetime import timedelta

from django.db.models import Count, Max, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from shop.models import Brand, Order, OrderLine, Product
from shop.navigation import top_categories, with_photos

SHELF = 8
BEST_SELLER_DAYS = 90


def home(request: HttpRequest) -> HttpResponse:
    newest, best = new_in(), best_sellers()
    return render(
        request,
        "shop/home.html",
        {
            "hero": hero_products([*best, *newest]),
            "categories": with_photos(top_categories()[:12]),
            "new_in": newest,
            "best_sellers": best,
            "brands": brands(),
        },
    )


def categories(request: HttpRequest) -> HttpResponse:
    return render(request, "shop/categories.html", {"categories": with_photos(top_categories())})


def new_in() -> list[Product]:
    """Return the newest products, at most two of a category, as imports add many of a kind."""
    seen: Counter[int] = Counter()
    chosen, rest = [], []
    for product in _for_cards(Product.objects.available().order_by("-pk"))[:400]:
        seen[product.category_id] += 1
        (chosen if seen[product.category_id] <= 2 else rest).append(product)
    return [*chosen, *rest][:SHELF]


def best_sellers() -> list[Product]:
    """Return the available best sellers of the ninety days before the latest order."""
    latest = Order.objects.aggregate(at=Max("placed_at"))["at"]
    if latest is None:
        return []
    since = latest - timedelta(days=BEST_SELLER_DAYS)
    kept = Q(order__status__in=[Order.Status.PLACED, Order.Status.SHIPPED])
    sold = (
        OrderLine.objects.filter(kept, order__placed_at__gte=since)
        .filter(product__is_active=True, product__stock__gt=0)
        .values("product")
        .annotate(pieces=Sum("quantity"))
        .order_by("-pieces", "product")
        .values_list("product", flat=True)[:SHELF]
    )
    keys = list(sold)
    products = _for_cards(Product.objects.filter(pk__in=keys))
    return sorted(products, key=lambda product: keys.index(product.pk))


def brands() -> QuerySet[Brand]:
    for_sale = Count("products", filter=Q(products__is_active=True))
    return Brand.objects.annotate(count=for_sale).filter(count__gt=0).order_by("-count")[:18]


def hero_products(products: list[Product]) -> list[Product]:
    """Return up to three products with photos, of different categories if possible."""
    pictured = [product for product in products if product.photo]
    different = {product.category_id: product for product in reversed(pictured)}
    chosen = list(reversed(different.values()))
    more = [product for product in pictured if product not in chosen]
    return [*chosen, *more][:3]


def _for_cards(products: QuerySet[Product]) -> QuerySet[Product]:
    return products.select_related("brand", "category").prefetch_related("images")
