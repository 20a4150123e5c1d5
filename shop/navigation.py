"""The categories a shopper starts from."""

from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from shop.models import Category, Product, ProductImage


def top_categories() -> QuerySet[Category]:
    """The root categories that have something to show."""
    return Category.objects.filter(Exists(_products_below()), parent=None).order_by("name")


def with_photos(categories: QuerySet[Category]) -> list[Category]:
    """Each category with ``photo``, the photo of one of its products (or None): two queries."""
    cover = ProductImage.objects.filter(product__in=_products_below(), position=0).order_by("-pk")
    found = list(categories.annotate(cover=cover.values("pk")[:1]))
    photos = ProductImage.objects.in_bulk([category.cover for category in found])
    for category in found:
        category.photo = photos.get(category.cover)
    return found


def _products_below() -> QuerySet[Product]:
    """Products of the outer query's category or of one below it."""
    return Product.objects.filter(
        Q(category=OuterRef("pk"))
        | Q(category__path__startswith=Concat(OuterRef("path"), Value(" > "))),
        is_active=True,
    )
