"""Fallbacks for vectors: ordered tiers, each with an honest name.

A shelf may reach to its product's own *category*; to its *department*, which is the first level
of a category's path; or to the whole *shop*.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import AutoField, DateField, QuerySet

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter
from similarity.exceptions import ConfigurationError
from similarity.models.vectors import department_of, group_name
from similarity.similar.hits import Candidate, Taken
from similarity.similar.within import Within

#: How far a shelf may reach, and the tiers' names.
CATEGORY, DEPARTMENT, SHOP = "category", "department", "shop"


def tiers(
    key: Any, within: Within, adapter: CatalogAdapter, reach: str = SHOP
) -> Iterator[tuple[str, QuerySet[Any]]]:
    """Yield (tier, products in the order to show): the same category, its department, the shop.

    ``reach`` is the last tier. Each tier starts with best sellers, if the adapter knows them. The
    shop's last tier holds every passing product, so such a shelf is empty only if no product
    passes.
    """
    passing = within.narrowed()
    name, order = catalogue_order()
    for tier, products in _categories(key, passing, adapter, reach):
        best = _popular(products, adapter)
        if best is not None:
            yield tier, best
        yield tier, products.order_by(*order)
    if reach == SHOP:
        best = _popular(passing, adapter)
        if best is not None:
            yield "popular", best
        yield name, passing.order_by(*order)


def fill(
    products: QuerySet[Any],
    wanted: int,
    taken: Taken,
    adapter: CatalogAdapter,
    *,
    tier: str,
    step: int,
) -> list[Candidate]:
    """Return the first ``wanted`` products whose key and group are not taken, one per group.

    Their score is 0, because no likeness was measured.
    """
    remaining = products.exclude(pk__in=list(taken.keys)).values_list("pk", flat=True)
    groups = set(taken.groups)
    found: list[Candidate] = []
    start, size = 0, 2 * wanted + 8
    while True:
        keys = list(remaining[start : start + size])
        for key, group in groups_of(keys, adapter).items():
            if group not in groups and len(found) < wanted:
                groups.add(group)
                found.append(Candidate(key, group, 0.0, tier=tier, step=step))
        if len(found) == wanted or len(keys) < size:
            return found
        start, size = start + size, 4 * size


def groups_of(keys: Sequence[Any], adapter: CatalogAdapter) -> dict[Any, str]:
    """Return key → its variants' group as vectors store it, in the order of ``keys``."""
    groups = adapter.groups(keys) if keys else {}
    return {key: group_name(str(key), groups.get(key) or "") for key in keys}


def _categories(
    key: Any, passing: QuerySet[Any], adapter: CatalogAdapter, reach: str
) -> Iterator[tuple[str, QuerySet[Any]]]:
    """Yield the passing products of its category and, with that ``reach``, of its department."""
    product = conf.product_model()._base_manager.using(passing.db).filter(pk=key)
    names = adapter.values_of("category", product).get(key)
    wanted = {CATEGORY: names or []}
    if names and reach == DEPARTMENT:
        departments = {department_of(name) for name in names} - set(names)
        wanted[DEPARTMENT] = sorted(departments)
    for tier, values in wanted.items():
        of_it = adapter.filter_by("category", values) if values else None
        if of_it is not None:
            yield tier, passing.filter(of_it)


def _popular(products: QuerySet[Any], adapter: CatalogAdapter) -> QuerySet[Any] | None:
    best = adapter.popular(products)
    if best is not None and not isinstance(best, QuerySet):
        raise ConfigurationError(
            f"{type(adapter).__name__}.popular() returned {best!r:.80}; "
            "return a queryset in the order of sales, or None."
        )
    return best


def catalogue_order() -> tuple[str, list[str]]:
    """Return the last tier's name and order: newest first if the model shows it, else by key."""
    options = conf.product_model()._meta
    if isinstance(options.pk, AutoField):
        return "newest", ["-pk"]
    for field in options.get_fields():
        if isinstance(field, DateField) and field.auto_now_add:
            return "newest", [f"-{field.name}", "pk"]
    return "catalogue", ["pk"]
