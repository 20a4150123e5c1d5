"""Checks of ``SIMILARITY["CATALOG"]`` against the host's product model; no query is run."""

from collections.abc import Mapping
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import EmptyResultSet, FieldError, ValidationError
from django.db.models import (
    DecimalField,
    FileField,
    FloatField,
    IntegerField,
    JSONField,
    Model,
)

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.catalog.mapping import FieldMappingAdapter
from similarity.catalog.paths import Path
from similarity.checks.settings import did_you_mean
from similarity.exceptions import ConfigurationError

#: Parameters of the API, which come before attributes of the same name.
RESERVED = (
    *("limit", "cursor", "weights", "diversity", "metric", "mode", "explain", "format"),
    *("min_price", "max_price", "in_stock"),
)

#: Where in CATALOG → what the field there must be.
KINDS: dict[str, tuple[type[Any], ...]] = {
    "['price']": (DecimalField, FloatField, IntegerField),
    "['cost']": (DecimalField, FloatField, IntegerField),
    "['attributes']['*']": (JSONField,),
}


def check_catalog(**kwargs: Any) -> list[CheckMessage]:
    """The adapter, its paths, its filters and the API's filters."""
    try:
        model = conf.product_model()
        configured = conf.get("CATALOG")
    except ConfigurationError:
        return []  # similarity.E001 to E003 say so
    if not isinstance(configured, str | Mapping):
        return []  # similarity.E005
    try:
        adapter = get_adapter()
    except ConfigurationError as error:
        return [_adapter_error(configured, error)]
    messages: list[CheckMessage] = []
    if isinstance(adapter, FieldMappingAdapter):
        messages += _check_paths(adapter, model)
        messages += _check_images(adapter, model)
        messages += _check_relations(adapter, model)
        messages += _check_kinds(adapter, model)
        messages += _check_names(adapter)
    return messages + _check_queries(adapter) + _check_api_filters(model)


def _adapter_error(configured: Any, error: Exception) -> Error:
    hint = "Name a subclass of similarity.catalog.adapter.CatalogAdapter."
    if isinstance(configured, Mapping):
        known = FieldMappingAdapter.KEYS
        unknown = [key for key in configured if key not in known]
        listed = "docs/settings.md lists the keys of CATALOG."
        hint = did_you_mean(unknown[0], known) if unknown else listed
    return Error(str(error), hint=hint, id="similarity.E010")


def _check_paths(adapter: FieldMappingAdapter, model: type[Model]) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    for place, path in _places(adapter):
        unknown = path.unknown(model)
        if unknown is not None:
            messages.append(
                Error(
                    f"SIMILARITY['CATALOG']{place} is {path.path!r}, and {unknown!r} is neither "
                    f"a field nor an attribute on the way from {model._meta.label}.",
                    hint=did_you_mean(unknown, _field_names(model)),
                    id="similarity.E011",
                )
            )
    return messages


def _places(adapter: FieldMappingAdapter) -> list[tuple[str, Path]]:
    """(where it stands in CATALOG, path) of each path of the mapping."""
    places = [(place, source.path) for place, _key, source in adapter.sources()]
    if "images" in adapter.mapping:
        places.append(("['images']", Path(adapter.mapping["images"])))
    return [*places, *(("['codes']", path) for path in adapter._code_paths)]


def _check_relations(adapter: FieldMappingAdapter, model: type[Model]) -> list[CheckMessage]:
    """A related object's text is made in Python: the API cannot filter by it."""
    messages: list[CheckMessage] = []
    for place, path in _places(adapter):
        fields = path._fields(model)
        at_object = len(fields) == len(path.names) and fields[-1].related_model is not None
        if at_object and place not in ("['images']", "['group']", *KINDS):
            messages.append(
                Warning(
                    f"SIMILARITY['CATALOG']{place} is {path.path!r}, a relation: its text is what "
                    f"str() gives of {fields[-1].related_model._meta.label}, and the API cannot "
                    "filter by it.",
                    hint=f"Name a field of it, such as '{path.path}__name'.",
                    id="similarity.W015",
                )
            )
    return messages


def _check_kinds(adapter: FieldMappingAdapter, model: type[Model]) -> list[CheckMessage]:
    """``price`` and ``cost`` are numbers, ``*`` a JSON field, as far as fields tell."""
    messages: list[CheckMessage] = []
    for place, path in _places(adapter):
        wanted = KINDS.get(place)
        fields = path._fields(model)
        if wanted is None or len(fields) != len(path.names) or isinstance(fields[-1], wanted):
            continue
        messages.append(
            Error(
                f"SIMILARITY['CATALOG']{place} is {path.path!r}, which leads to a "
                f"{type(fields[-1]).__name__}.",
                hint=f"Name one of these: {', '.join(kind.__name__ for kind in wanted)}.",
                id="similarity.E016",
            )
        )
    return messages


def _check_names(adapter: FieldMappingAdapter) -> list[CheckMessage]:
    """An attribute called as a parameter of the API could not be filtered by."""
    taken = [name for name in adapter.mapping.get("attributes", {}) if name in RESERVED]
    return [
        Warning(
            f"SIMILARITY['CATALOG']['attributes'] has {name!r}, which is a parameter of the API's "
            "own: products cannot be filtered by the attribute.",
            hint=f"Call it something else, such as 'product_{name}'.",
            id="similarity.W017",
        )
        for name in taken
    ]


def _check_images(adapter: FieldMappingAdapter, model: type[Model]) -> list[CheckMessage]:
    path = adapter.mapping.get("images")
    if path is None or Path(path).unknown(model):
        return []
    fields = Path(path)._fields(model)
    is_field = len(fields) == len(Path(path).names)
    if not is_field or isinstance(fields[-1], FileField):
        return []  # a property may give files; only reading one tells
    return [
        Error(
            f"SIMILARITY['CATALOG']['images'] is {path!r}, which leads to a "
            f"{type(fields[-1]).__name__} and not to a file.",
            hint="Name an ImageField or FileField, such as 'images__image' or 'photo'.",
            id="similarity.E012",
        )
    ]


def _check_queries(adapter: CatalogAdapter) -> list[CheckMessage]:
    """``eligible``, ``viewable`` and ``in_stock`` compile to SQL; no query is made."""
    messages: list[CheckMessage] = []
    for name in ("eligible", "viewable", "in_stock"):
        try:
            products = adapter.viewable() if name == "viewable" else adapter.eligible()
            products = adapter.in_stock(products) if name == "in_stock" else products
            products.query.sql_with_params()
        except EmptyResultSet:
            continue  # "nothing passes" is a filter that resolves
        except (FieldError, ValidationError, ValueError, TypeError) as error:
            messages.append(
                Error(
                    f"The products that are {name} cannot be asked for: {error}",
                    hint=f"Correct SIMILARITY['CATALOG'][{name!r}]; its keys are lookups of "
                    "QuerySet.filter, such as {'is_active': True, 'stock__gt': 0}.",
                    id="similarity.E013",
                )
            )
            break  # in_stock narrows eligible, so it would only say the same again
    return messages


def _check_api_filters(model: type[Model]) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    filters = conf.get("API_FILTERS")
    for name, lookup in filters.items() if isinstance(filters, Mapping) else ():
        if isinstance(lookup, str) and Path(lookup).lookup(model) is None:
            messages.append(
                Error(
                    f"SIMILARITY['API_FILTERS'][{name!r}] is {lookup!r}, which is no field "
                    f"reachable from {model._meta.label}.",
                    hint=did_you_mean(lookup.split("__")[0], _field_names(model)),
                    id="similarity.E014",
                )
            )
    return messages


def _field_names(model: type[Model]) -> list[str]:
    return [field.name for field in model._meta.get_fields()]
