"""``eligible`` and ``in_stock`` of ``CATALOG``: a dict, a ``Q`` or a function."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from similarity import conf
from similarity.exceptions import ConfigurationError

#: A function of (products, request) that returns the passing products. ``request`` is None outside
#: a page, in workers and commands, and always for ``in_stock``.
Narrowing = Mapping[str, Any] | Q | str | Callable[[QuerySet[Any], HttpRequest | None], Any]


def require(key: str, value: Any) -> None:
    """Raise :class:`ConfigurationError` if ``value`` is not a narrowing."""
    if not isinstance(value, Mapping | Q | str) and not callable(value):
        raise ConfigurationError(
            f"SIMILARITY['CATALOG'][{key!r}] is {value!r}; it must be a dict of lookups, a Q, or "
            "the dotted path of a function of (products, request)."
        )


def narrow(
    products: QuerySet[Any], key: str, value: Narrowing | None, request: HttpRequest | None
) -> QuerySet[Any]:
    """Return the ``products`` that pass, each once."""
    if not value:
        return products
    if isinstance(value, Mapping | Q):
        condition = value if isinstance(value, Q) else Q(**value)
        passing = products.filter(condition)
        if not joins_many(passing) or joins_many(products):
            return passing
        # A join to several rows would return the product once for each row.
        return products.filter(pk__in=products.model._base_manager.filter(condition).values("pk"))
    function = conf.load(value) if isinstance(value, str) else value
    passing = function(products, request)
    if not isinstance(passing, QuerySet):
        raise ConfigurationError(
            f"SIMILARITY['CATALOG'][{key!r}] is {value!r}, which returned {passing!r:.80}; "
            "return the products narrowed, a queryset."
        )
    return passing


def joins_many(products: QuerySet[Any]) -> bool:
    """Return True if joined rows may repeat a product."""
    joins = (getattr(join, "join_field", None) for join in products.query.alias_map.values())
    return any(
        getattr(field, "one_to_many", False) or getattr(field, "many_to_many", False)
        for field in joins
    )
