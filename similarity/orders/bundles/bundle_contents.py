"""Read the current products of a bundle: existing or deleted, on sale or not, and their prices."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from similarity.catalog.adapter import CatalogAdapter
from similarity.orders.bundles.pricing import Sums, sums_of
from similarity.orders.models import Bundle


@dataclass(frozen=True)
class Contents:
    """The current products of a bundle.

    ``products`` are in the bundle's order. ``gone`` are keys of products that no longer exist.
    ``off_sale`` are products that cannot be bought now. ``sums`` is None if the products have
    prices in several currencies, or if a product is gone.
    """

    products: tuple[Any, ...]
    gone: tuple[str, ...]
    off_sale: tuple[Any, ...]
    sums: Sums | None


def contents_of(bundles: Iterable[Bundle], adapter: CatalogAdapter) -> list[Contents]:
    """Return the contents of each bundle, in the given order, by two queries for any number."""
    held = [bundle.products for bundle in bundles]
    keys = product_keys({key for products in held for key in products}, adapter)
    every = adapter.model._base_manager.using(adapter.write_alias).filter(pk__in=keys)
    every = adapter.for_display(every)
    products = {str(product.pk): product for product in every} if keys else {}
    on_sale = adapter.in_stock(adapter.eligible()).using(adapter.write_alias).order_by()
    on_sale = on_sale.filter(pk__in=keys)
    buyable = set(on_sale.values_list("pk", flat=True)) if keys else set()
    return [_contents(wanted, products, buyable, adapter) for wanted in held]


def product_keys(texts: Iterable[str], adapter: CatalogAdapter) -> list[Any]:
    """Return product keys as the database stores them; skip texts that cannot be a key."""
    field, keys = adapter.model._meta.pk, []
    for text in texts:
        try:
            keys.append(field.to_python(text))
        except (ValidationError, ValueError):
            continue
    return keys


def _contents(
    wanted: Iterable[str], products: dict[str, Any], buyable: set[Any], adapter: CatalogAdapter
) -> Contents:
    held = tuple(products[key] for key in wanted if key in products)
    gone = tuple(key for key in wanted if key not in products)
    off_sale = tuple(product for product in held if product.pk not in buyable)
    return Contents(held, gone, off_sale, None if gone else sums_of(held, adapter))
