"""What is shown where vectors cannot answer: ordered tiers, each with an honest name."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import AutoField, DateField, QuerySet

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter
from similarity.exceptions import ConfigurationError
from similarity.models.vectors import group_name
from similarity.retrieval.found import Found, Taken
from similarity.retrieval.within import Within


def tiers(key: Any, within: Within, adapter: CatalogAdapter) -> Iterator[tuple[str, QuerySet[Any]]]:
    """(tier, products in the order to show): the same category, then the whole shop.

    Either starts with the best sellers where the adapter knows them. The last tier holds
    every passing product, so that a shelf is empty only where the shop is.
    """
    passing = within.narrowed()
    category = _same_category(key, passing, adapter)
    if category is not None:
        best = _popular(category, adapter)
        if best is not None:
            yield "category", best
        yield "category", category.order_by(*catalogue_order()[1])
    best = _popular(passing, adapter)
    if best is not None:
        yield "popular", best
    name, order = catalogue_order()
    yield name, passing.order_by(*order)


def fill(
    products: QuerySet[Any],
    wanted: int,
    taken: Taken,
    adapter: CatalogAdapter,
    *,
    tier: str,
    step: int,
) -> list[Found]:
    """The first ``wanted`` products, one a group, whose key and group are not taken.

    Their score is 0: nothing was measured.
    """
    remaining = products.exclude(pk__in=list(taken.keys)).values_list("pk", flat=True)
    groups = set(taken.groups)
    found: list[Found] = []
    start, size = 0, 2 * wanted + 8
    while True:
        keys = list(remaining[start : start + size])
        for key, group in groups_of(keys, adapter).items():
            if group not in groups and len(found) < wanted:
                groups.add(group)
                found.append(Found(key, group, 0.0, tier, step))
        if len(found) == wanted or len(keys) < size:
            return found
        start, size = start + size, 4 * size


def groups_of(keys: Sequence[Any], adapter: CatalogAdapter) -> dict[Any, str]:
    """Key → name of its variants' group in the order of ``keys``, as vectors are stored with it."""
    groups = adapter.groups(keys) if keys else {}
    return {key: group_name(str(key), groups.get(key) or "") for key in keys}


def _same_category(
    key: Any, passing: QuerySet[Any], adapter: CatalogAdapter
) -> QuerySet[Any] | None:
    product = conf.product_model()._base_manager.using(passing.db).filter(pk=key)
    names = adapter.values_of("category", product).get(key)
    in_category = adapter.filter_by("category", names) if names else None
    return None if in_category is None else passing.filter(in_category)


def _popular(products: QuerySet[Any], adapter: CatalogAdapter) -> QuerySet[Any] | None:
    best = adapter.popular(products)
    if best is not None and not isinstance(best, QuerySet):
        raise ConfigurationError(
            f"{type(adapter).__name__}.popular() returned {best!r:.80}; "
            "return a queryset in the order of sales, or None."
        )
    return best


def catalogue_order() -> tuple[str, list[str]]:
    """The tier's name and ordering: newest first where the model can tell, else by key."""
    options = conf.product_model()._meta
    if isinstance(options.pk, AutoField):
        return "newest", ["-pk"]
    for field in options.get_fields():
        if isinstance(field, DateField) and field.auto_now_add:
            return "newest", [f"-{field.name}", "pk"]
    return "catalogue", ["pk"]
