"""Filters by name, as in a query string: attributes, price, stock."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import FieldError, ValidationError
from django.db.models import Model, Q, QuerySet

from similarity import conf
from similarity.catalog.adapter import VALUE, CatalogAdapter, get_adapter
from similarity.catalog.paths import Path, fields_of
from similarity.catalog.sources import Source, values_filter
from similarity.connections import caching
from similarity.exceptions import FilterError

PRICES = ("min_price", "max_price")

MAX_NAME = 100
#: Most values of one filter, and most characters of each value.
MAX_FILTER_VALUES = 50
MAX_FILTER_LENGTH = 250
MAX_PRICE = 10**12
#: Digits after the decimal point of a price; a number in JSON may have 17.
MAX_DECIMALS = 30


def filter_names(adapter: CatalogAdapter) -> list[str]:
    """Return the names of attributes to filter by, as far as they are known in advance."""
    configured = conf.get("API", "FILTERS")
    return list(adapter.filter_names() if configured is None else configured)


def is_filter(adapter: CatalogAdapter, name: str) -> bool:
    """Return True if products can be filtered by the attribute, including keys of JSON fields."""
    if name in filter_names(adapter):
        return True
    if conf.get("API", "FILTERS") is not None or len(name) > MAX_NAME:
        return False
    return adapter.filter_by(name, ()) is not None and _is_in_use(adapter, name)


def _is_in_use(adapter: CatalogAdapter, name: str) -> bool:
    """Return True if a product has the attribute, to distinguish a filter from a misspelling."""
    products = adapter.annotate_value(adapter.viewable(), name)
    if products is None:
        return True
    key = caching.key("filter", adapter.model._meta.label_lower, name)
    known = caching.read(key)
    if known is None:
        try:
            known = products.filter(**{f"{VALUE}__isnull": False}).exists()
        except (FieldError, ValueError):
            known = False
        caching.write(key, known)
    return bool(known)


def filter_products(
    products: QuerySet[Any],
    filters: Mapping[str, Sequence[str]],
    adapter: CatalogAdapter | None = None,
) -> QuerySet[Any]:
    """Return the ``products`` that pass every filter; several values of one name are alternatives.

    ``filters`` maps names to texts, as ``request.GET.lists()`` gives them: ``min_price``,
    ``max_price``, ``in_stock``, and attributes of the catalogue. For an attribute that no product
    has, no product passes. ``adapter`` defaults to the configured adapter. Raises
    :class:`FilterError` for a value that the filter cannot have, and for more than
    ``MAX_FILTER_VALUES`` values or ``MAX_FILTER_LENGTH`` characters.
    """
    adapter = adapter or get_adapter()
    bounds = {name: price(name, filters[name][-1]) for name in PRICES if name in filters}
    if bounds and not adapter.has_price:
        raise FilterError("The catalogue has no price to filter by.", next(iter(bounds)))
    products = adapter.filter_price(products, *map(bounds.get, PRICES))
    for name, values in filters.items():
        if name == "in_stock":
            products = adapter.in_stock(products) if boolean(name, values[-1]) else products
        elif name not in PRICES:
            products = _one_of(adapter, products, name, values)
    return products


def _one_of(
    adapter: CatalogAdapter, products: QuerySet[Any], name: str, values: Sequence[str]
) -> QuerySet[Any]:
    if len(values) > MAX_FILTER_VALUES or any(len(value) > MAX_FILTER_LENGTH for value in values):
        raise FilterError(
            f"{name} has {len(values)} values; at most {MAX_FILTER_VALUES} of at most "
            f"{MAX_FILTER_LENGTH} characters are allowed.",
            name,
        )
    configured = conf.get("API", "FILTERS")
    try:
        if configured is None:
            condition = adapter.filter_by(name, values)
        else:
            condition = _by_lookup(adapter.model, configured.get(name), name, values)
        # An unknown attribute means that no product has it, so no product has the value.
        return products.none() if condition is None else products.filter(condition)
    except (ValueError, TypeError, ValidationError) as error:
        raise FilterError(f"{name} cannot be {values[0]!r}.", name) from error


def _by_lookup(
    model: type[Model], lookup: str | None, name: str, values: Sequence[str]
) -> Q | None:
    """Return the condition of ``API["FILTERS"]``; for a relation the key is compared."""
    last = fields_of(model, lookup.split("__"))[-1] if lookup else None
    if last is not None and last.is_relation and last.related_model:
        lookup = f"{lookup}__{last.related_model._meta.pk.name}"
    sources = [Source(Path(lookup))] if lookup else []
    return values_filter(model, sources, name, values)


def price(name: str, text: str) -> Decimal:
    shown = repr(text[:MAX_NAME])
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount.is_finite() and amount >= MAX_PRICE:
        raise FilterError(f"{name} is {shown}; give an amount below {MAX_PRICE}.", name)
    if not amount.is_finite() or amount < 0 or _decimals(amount) > MAX_DECIMALS:
        raise FilterError(f"{name} is {shown}; give an amount such as 19.90.", name)
    return amount


def _decimals(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def boolean(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise FilterError(f"{name} is {text!r}; give true or false.", name)
    return text.lower() in ("true", "1")
