"""What people call items, and which category each is in, from the host's catalogue."""

from collections.abc import Iterator, Sequence
from typing import Any

from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.card import title_of
from similarity.exceptions import DemandError
from similarity.planning.demand import WeeklySales

AT_ONCE = 1000


def titles(sales: WeeklySales, catalog: CatalogAdapter, items: Sequence[str]) -> dict[str, str]:
    """Item → the title of its product that sold most; one whose products are gone has none."""
    found: dict[str, str] = {}
    for keys in _pages(sales, items):
        for product in catalog.model._base_manager.using(catalog.write_alias).filter(
            pk__in=list(keys)
        ):
            found[keys[str(product.pk)]] = title_of(catalog, product)
    return found


def categories(sales: WeeklySales, catalog: CatalogAdapter) -> dict[str, str]:
    """Item → the category of its product that sold most; items without one are left out.

    Raises :class:`DemandError` where the catalogue knows no category.
    """
    if catalog.filter_by("category", ()) is None:
        raise DemandError(
            "The catalogue knows no category; name one in SIMILARITY['CATALOG']['attributes']."
        )
    found: dict[str, str] = {}
    for keys in _pages(sales, sales.names):
        products = catalog.model._base_manager.using(catalog.write_alias).filter(pk__in=list(keys))
        named = catalog.values_of("category", products)
        found |= {keys[str(key)]: categories[0] for key, categories in sorted(named.items())}
    return found


def item_of_product(sales: WeeklySales, key: Any) -> str:
    """The item a product counts for. Raises :class:`DemandError` for one that sold nothing."""
    for name, members in sales.members.items():
        if str(key) in members:
            return name
    raise DemandError(
        f"Product {str(key)!r} sold nothing in the {sales.weeks} weeks from {sales.monday}, or "
        "there is none; choose another, or more weeks."
    )


def _pages(sales: WeeklySales, items: Sequence[str]) -> Iterator[dict[str, str]]:
    """Key of the product that sold most → item, some at a time."""
    first = {members[0]: item for item in items if (members := sales.members.get(item))}
    keys = list(first)
    for start in range(0, len(keys), AT_ONCE):
        yield {key: first[key] for key in keys[start : start + AT_ONCE]}
