"""Categories for the home page and the navigation."""

from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from shop.models import Category, Product, ProductImage


def top_categories() -> QuerySet[Category]:
    """Return the root categories with products to show."""
    below = Product.objects.filter(_at_or_below("category"), is_active=True)
    return Category.objects.filter(Exists(below), parent=None).order_by("name")


def with_photos(categories: QuerySet[Category]) -> list[Category]:
    """Return each category with ``photo``, a photo of its products or None: two queries."""
    cover = ProductImage.objects.filter(
        _at_or_below("product__category"), product__is_active=True
    ).order_by("position", "pk")
    found = list(categories.annotate(cover=cover.values("pk")[:1]))
    photos = ProductImage.objects.in_bulk([category.cover for category in found if category.cover])
    for category in found:
        category.photo = photos.get(category.cover)
    return found


def _at_or_below(category: str) -> Q:
    """Match if the lookup ``category`` is the outer query's category or below it."""
    below = Concat(OuterRef("path"), Value(" > "))
    return Q(**{category: OuterRef("pk")}) | Q(**{f"{category}__path__startswith": below})
