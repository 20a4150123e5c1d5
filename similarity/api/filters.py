"""Query parameters that narrow the hits: attributes by name, price, stock."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import FieldDoesNotExist, FieldError, ValidationError
from django.db.models import JSONField, Model, Q, QuerySet

from similarity import conf
from similarity.api.errors import BadParameter
from similarity.catalog.adapter import CatalogAdapter
from similarity.connections import caching

#: Between the levels of a category path; a filter by a level holds for those below it.
LEVEL = " > "

PRICES = ("min_price", "max_price")

MAX_NAME = 100
MAX_VALUES = 50
MAX_LENGTH = 250
MAX_PRICE = 10**12
#: Digits after the point of a price; a number of JSON may have 17.
MAX_DECIMALS = 30


def filter_lookups(adapter: CatalogAdapter) -> dict[str, str]:
    """Query parameter → ORM lookup of every filter that can be named in advance."""
    configured = conf.get("API_FILTERS")
    if configured is not None:
        return dict(configured)
    lookups = {name: adapter.filter_lookup(name) for name in adapter.filter_names()}
    return {
        name: lookup
        for name, lookup in lookups.items()
        if lookup and not _is_relation(adapter.model, lookup)
    }


def known_filters(adapter: CatalogAdapter) -> list[str]:
    """The name of every filter that can be named in advance."""
    prices = PRICES if adapter.price_lookup else ()
    return [*prices, "in_stock", *filter_lookups(adapter)]


def find_lookup(adapter: CatalogAdapter, name: str) -> str | None:
    """The lookup of one parameter, also of a key that only the products' JSON knows.

    Raises :class:`BadParameter` for an attribute that is a whole related object: its text is
    made in Python, so that no query can compare it.
    """
    lookups = filter_lookups(adapter)
    if name in lookups or conf.get("API_FILTERS") is not None or len(name) > MAX_NAME:
        return lookups.get(name)
    lookup = adapter.filter_lookup(name)
    if lookup and _is_relation(adapter.model, lookup):
        raise BadParameter(
            f"{name} cannot be filtered by: the catalogue maps it to the relation {lookup!r}. "
            f"Map it to a field, such as '{lookup}__name', in SIMILARITY['CATALOG']['attributes'].",
            name,
        )
    return lookup if lookup and _is_in_use(adapter.model, lookup) else None


def _is_in_use(model: type[Model], lookup: str) -> bool:
    """Whether any product has the key, so that a misspelt parameter is told from a filter."""
    key = caching.key("filter", lookup)
    known = caching.read(key)
    if known is None:
        try:
            known = model._default_manager.filter(**{f"{lookup}__isnull": False}).exists()
        except (FieldError, ValueError):
            known = False
        caching.write(key, known)
    return bool(known)


def narrow(
    adapter: CatalogAdapter, products: QuerySet[Any], filters: Mapping[str, Sequence[str]]
) -> QuerySet[Any]:
    """``products`` narrowed by each filter: values of one name are alternatives.

    ``filters`` holds names that :func:`find_lookup` knows, ``min_price``, ``max_price`` and
    ``in_stock``; of any other name nothing is left. Raises :class:`BadParameter` for a value
    that cannot be one.
    """
    for name, values in filters.items():
        if name in PRICES:
            bound = "gte" if name == "min_price" else "lte"
            lookup = f"{adapter.price_lookup}__{bound}"
            products = products.filter(**{lookup: price(name, values[-1])})
        elif name == "in_stock":
            products = adapter.in_stock(products) if boolean(name, values[-1]) else products
        else:
            products = _one_of(adapter, products, name, values)
    return products


def _one_of(
    adapter: CatalogAdapter, products: QuerySet[Any], name: str, values: Sequence[str]
) -> QuerySet[Any]:
    lookup = find_lookup(adapter, name)
    if lookup is None:  # no product has the attribute, so none has the value
        return products.none()
    if len(values) > MAX_VALUES or any(len(value) > MAX_LENGTH for value in values):
        raise BadParameter(
            f"{name} has {len(values)} values; at most {MAX_VALUES} of at most {MAX_LENGTH} "
            "characters can be asked for.",
            name,
        )
    condition = Q()
    for value in values:
        condition |= _is(adapter.model, name, lookup, value)
    try:
        if _leads_to_many(adapter.model, lookup):  # a join would repeat the product
            matching = adapter.model._base_manager.filter(condition).values("pk")
            return products.filter(pk__in=matching)
        return products.filter(condition)
    except (ValueError, TypeError, ValidationError) as error:
        raise BadParameter(f"{name} cannot be {values[0]!r}.", name) from error


def _is(model: type[Model], name: str, lookup: str, value: str) -> Q:
    if _is_json(model, lookup):
        # @> also finds the value inside a list of values.
        condition = Q()
        for form in _json_forms(value):
            condition |= Q(**{f"{lookup}__contains": form})
        return condition
    if name == "category" and not _is_relation(model, lookup):
        return Q(**{lookup: value}) | Q(**{f"{lookup}__startswith": value + LEVEL})
    return Q(**{lookup: value})


def _json_forms(value: str) -> list[Any]:
    """The JSON values a parameter may stand for: ``42`` is a text and a number."""
    forms: list[Any] = [value]
    if value in ("yes", "no", "true", "false"):
        forms.append(value in ("yes", "true"))
    try:
        number = float(value)
    except ValueError:
        return forms
    if number == number and abs(number) < 1e15:  # a NaN is no JSON
        forms.append(int(number) if number.is_integer() else number)
    return forms


def _is_json(model: type[Model], lookup: str) -> bool:
    return any(isinstance(field, JSONField) for field in _fields(model, lookup))


def _is_relation(model: type[Model], lookup: str) -> bool:
    """Whether the lookup ends at a related object instead of one of its fields."""
    fields = _fields(model, lookup)
    return len(fields) == len(lookup.split("__")) and bool(fields[-1].is_relation)


def _leads_to_many(model: type[Model], lookup: str) -> bool:
    return any(field.many_to_many or field.one_to_many for field in _fields(model, lookup))


def _fields(model: type[Model], lookup: str) -> list[Any]:
    fields: list[Any] = []
    owner: type[Model] | None = model
    for name in lookup.split("__"):
        if owner is None:
            break
        try:
            field: Any = owner._meta.get_field(name)
        except FieldDoesNotExist:
            break
        fields.append(field)
        owner = field.related_model if field.is_relation else None
    return fields


def price(name: str, text: str) -> Decimal:
    shown = repr(text[:MAX_NAME])
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount.is_finite() and amount >= MAX_PRICE:
        raise BadParameter(f"{name} is {shown}; give an amount below {MAX_PRICE}.", name)
    if not amount.is_finite() or amount < 0 or _decimals(amount) > MAX_DECIMALS:
        raise BadParameter(f"{name} is {shown}; give an amount such as 19.90.", name)
    return amount


def _decimals(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def boolean(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise BadParameter(f"{name} is {text!r}; give true or false.", name)
    return text.lower() in ("true", "1")
