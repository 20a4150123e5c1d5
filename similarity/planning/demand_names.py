"""Read item titles and categories from the host's catalogue."""

from collections.abc import Iterator, Sequence
from typing import Any

from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.card import title_of
from similarity.exceptions import DemandError
from similarity.planning.demand import WeeklySales

AT_ONCE = 1000


def titles(sales: WeeklySales, catalog: CatalogAdapter, items: Sequence[str]) -> dict[str, str]:
    """Return item → title of its best-selling product; without items whose products are deleted."""
    found: dict[str, str] = {}
    for keys in _pages(sales, items):
        for product in catalog.model._base_manager.using(catalog.write_alias).filter(
            pk__in=list(keys)
        ):
            found[keys[str(product.pk)]] = title_of(catalog, product)
    return found


def categories(sales: WeeklySales, catalog: CatalogAdapter) -> dict[str, str]:
    """Return item → category of its best-selling product; without items that have no category.

    Raises :class:`DemandError` if the catalogue has no categories.
    """
    if catalog.filter_by("category", ()) is None:
        raise DemandError(
            "The catalogue has no category; name it in SIMILARITY['CATALOG']['attributes']."
        )
    found: dict[str, str] = {}
    for keys in _pages(sales, sales.names):
        products = catalog.model._base_manager.using(catalog.write_alias).filter(pk__in=list(keys))
        named = catalog.values_of("category", products)
        found |= {keys[str(key)]: categories[0] for key, categories in sorted(named.items())}
    return found


def item_of_product(sales: WeeklySales, key: Any) -> str:
    """Return the item of a product. Raises :class:`DemandError` for a product without sales."""
    for name, members in sales.members.items():
        if str(key) in members:
            return name
    raise DemandError(
        f"Product {str(key)!r} had no sales in the {sales.weeks} weeks from {sales.monday}, or "
        "does not exist; choose another product, or more weeks."
    )


def _pages(sales: WeeklySales, items: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield key of the best-selling product → item, a page at a time."""
    first = {members[0]: item for item in items if (members := sales.members.get(item))}
    keys = list(first)
    for start in range(0, len(keys), AT_ONCE):
        yield {key: first[key] for key in keys[start : start + AT_ONCE]}
