"""Products of sensitive categories, on which no event is ever kept."""

from collections.abc import Collection
from typing import Any

from django.db.models import Q

from similarity import conf
from similarity.catalog.adapter import get_adapter
from similarity.exceptions import ConfigurationError


def denied_condition() -> Q | None:
    """Return the condition for products of ``EVENTS["DENIED_CATEGORIES"]``; None without any.

    Raises :class:`ConfigurationError` if the catalogue cannot tell a product's category: then no
    event may be kept.
    """
    categories = conf.get("EVENTS", "DENIED_CATEGORIES")
    if not categories:
        return None
    condition = get_adapter().filter_by("category", categories)
    if condition is None:
        raise ConfigurationError(
            "SIMILARITY['EVENTS']['DENIED_CATEGORIES'] names categories, and the catalogue has no "
            "attribute 'category': map it in SIMILARITY['CATALOG']['attributes']."
        )
    return condition


def denied_products(keys: Collection[Any], using: str) -> set[Any]:
    """Return those of ``keys`` whose products are of a denied category."""
    condition = denied_condition()
    if condition is None or not keys:
        return set()
    products = get_adapter().model._base_manager.using(using).order_by()
    return set(products.filter(condition, pk__in=keys).values_list("pk", flat=True))
