"""Checks of ``SIMILARITY["CATALOG"]`` against the host's product model; no query is run."""

from collections.abc import Mapping
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import EmptyResultSet
from django.db.models import (
    DecimalField,
    FileField,
    FloatField,
    IntegerField,
    JSONField,
    Model,
    QuerySet,
)

from similarity import conf
from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.catalog.mapping import SINGLE, FieldMappingAdapter
from similarity.catalog.paths import Path
from similarity.checks.settings import did_you_mean
from similarity.exceptions import ConfigurationError

#: Parameters of the API, which take precedence over attributes of the same name.
RESERVED = (
    *("limit", "cursor", "weights", "diversity", "metric", "mode", "explain", "fields", "personal"),
    *("format", "min_price", "max_price", "in_stock"),
)

#: Place in CATALOG → the field types allowed there.
KINDS: dict[str, tuple[type[Any], ...]] = {
    "['price']": (DecimalField, FloatField, IntegerField),
    "['cost']": (DecimalField, FloatField, IntegerField),
    "['attributes']['*']": (JSONField,),
}


def check_catalog(**kwargs: Any) -> list[CheckMessage]:
    """Check the adapter, its paths, its filters and the API's filters."""
    try:
        model = conf.product_model()
        configured = conf.get("CATALOG")
    except ConfigurationError:
        return []  # similarity.E001 to E003 report it
    if not isinstance(configured, str | Mapping):
        return []  # similarity.E005
    try:
        adapter = get_adapter()
    except Exception as error:  # noqa: BLE001 - an adapter's __init__ raises anything
        return [_adapter_error(configured, error)]
    messages: list[CheckMessage] = []
    if isinstance(adapter, FieldMappingAdapter):
        messages += _check_paths(adapter, model)
        messages += _check_images(adapter, model)
        messages += _check_relations(adapter, model)
        messages += _check_kinds(adapter, model)
        messages += _check_names(adapter)
        messages += _check_rules(adapter, model)
    messages += _check_related(adapter)
    return messages + _check_queries(adapter) + _check_api_filters(model)


def _adapter_error(configured: Any, error: Exception) -> Error:
    hint = "Name a subclass of similarity.CatalogAdapter."
    if isinstance(configured, Mapping):
        known = FieldMappingAdapter.KEYS
        unknown = [key for key in configured if key not in known]
        listed = "docs/settings.md lists the keys of CATALOG."
        hint = did_you_mean(unknown[0], known) if unknown else listed
    text = str(error) if isinstance(error, ConfigurationError) else _text_of(error)
    return Error(text, hint=hint, id="similarity.E010")


def _check_paths(adapter: FieldMappingAdapter, model: type[Model]) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    for place, path in [*_places(adapter), *_conditions(adapter, model)]:
        unknown = path.unknown(model)
        if unknown is None:
            continue
        fields = path._fields(model)
        owner = (fields[-1].related_model if fields else None) or model
        messages.append(
            Error(
                f"SIMILARITY['CATALOG']{place} is {path.path!r}, and {unknown!r} is neither "
                f"a field nor an attribute on the way from {model._meta.label}.",
                hint=did_you_mean(unknown, _field_names(owner)),
                id="similarity.E011",
            )
        )
    return messages


def _conditions(adapter: FieldMappingAdapter, model: type[Model]) -> list[tuple[str, Path]]:
    """Return (place in CATALOG, path) of every comparison in ``where``."""
    return [
        (f"{place}['where']", path)
        for place, _key, source in adapter.sources()
        for path in source.conditions(model)
    ]


def _check_rules(adapter: FieldMappingAdapter, model: type[Model]) -> list[CheckMessage]:
    """Check that single values of a product have a rule, and that the host named it."""
    messages: list[CheckMessage] = []
    for place, key, source in adapter.sources():
        if key not in SINGLE or not source.path.leads_to_many(model):
            continue
        path = source.path.path
        if source.rule == "all":
            messages.append(
                Error(
                    f"SIMILARITY['CATALOG']{place} takes all values of {path!r}, and a product has "
                    f"a single {key}.",
                    hint=f"Name a rule that gives a single value, such as {{'first': {path!r}}}.",
                    id="similarity.E025",
                )
            )
        elif not source.is_named:
            messages.append(
                Warning(
                    f"SIMILARITY['CATALOG']{place} is {path!r}, which may give a product several "
                    f"values; its {key} is the first.",
                    hint=f"Name the rule, such as {{'first': {path!r}}} or {{'min': {path!r}}}, "
                    "and with 'where' the rows; or write an adapter.",
                    id="similarity.W019",
                )
            )
    return messages


def _check_related(adapter: CatalogAdapter) -> list[CheckMessage]:
    """Check the lookups by which a related row's products are found."""
    messages: list[CheckMessage] = []
    try:
        related = adapter.related_models().items()
        found = [(model, lookup) for model, lookups in related for lookup in lookups]
    except Exception as error:  # noqa: BLE001 - a host's adapter raises anything
        return [_related_error(adapter, _text_of(error))]
    for model, lookup in found:
        try:
            adapter.model._base_manager.filter(**{f"{lookup}__isnull": False})
        except Exception as error:  # noqa: BLE001 - as above
            told = f"has {lookup!r} for {model._meta.label}: {_text_of(error)}"
            messages.append(_related_error(adapter, told))
    return messages


def _related_error(adapter: CatalogAdapter, told: str) -> CheckMessage:
    return Error(
        f"{type(adapter).__name__}.related_models() {told}",
        hint="Give each model the lookups that lead from a product to its rows, for example "
        "{Brand: ['brand']}; a saved row finds its products by them.",
        id="similarity.E027",
    )


def _places(adapter: FieldMappingAdapter) -> list[tuple[str, Path]]:
    """Return (place in CATALOG, path) of each path of the mapping."""
    places = [(place, source.path) for place, _key, source in adapter.sources()]
    if "images" in adapter.mapping:
        places.append(("['images']", Path(adapter.mapping["images"])))
    return [*places, *(("['codes']", path) for path in adapter._code_paths)]


def _check_relations(adapter: FieldMappingAdapter, model: type[Model]) -> list[CheckMessage]:
    """Warn of paths to a related object: its text is made in Python, so the API cannot filter."""
    messages: list[CheckMessage] = []
    for place, path in _places(adapter):
        fields = path._fields(model)
        at_object = len(fields) == len(path.names) and fields[-1].related_model is not None
        if at_object and place not in ("['images']", "['group']", *KINDS):
            messages.append(
                Warning(
                    f"SIMILARITY['CATALOG']{place} is {path.path!r}, a relation: its text is the "
                    f"str() of {fields[-1].related_model._meta.label}, and the API cannot "
                    "filter by it.",
                    hint=f"Name a field of it, such as '{path.path}__name'.",
                    id="similarity.W015",
                )
            )
    return messages


def _check_kinds(adapter: FieldMappingAdapter, model: type[Model]) -> list[CheckMessage]:
    """Check that ``price`` and ``cost`` lead to numbers, and ``*`` to a JSON field."""
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
                hint=f"Name a field of these types: {', '.join(kind.__name__ for kind in wanted)}.",
                id="similarity.E016",
            )
        )
    return messages


def _check_names(adapter: FieldMappingAdapter) -> list[CheckMessage]:
    """Warn of attributes named as a parameter of the API, because no filter can reach them."""
    taken = [name for name in adapter.mapping.get("attributes", {}) if name in RESERVED]
    return [
        Warning(
            f"SIMILARITY['CATALOG']['attributes'] has {name!r}, which is a parameter of the API: "
            "products cannot be filtered by the attribute.",
            hint=f"Choose another name, such as 'product_{name}'.",
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
        return []  # a property may give files, which is only known after reading a product
    return [
        Error(
            f"SIMILARITY['CATALOG']['images'] is {path!r}, which leads to a "
            f"{type(fields[-1]).__name__} and not to a file.",
            hint="Name an ImageField or FileField, such as 'images__image' or 'photo'.",
            id="similarity.E012",
        )
    ]


def _check_queries(adapter: CatalogAdapter) -> list[CheckMessage]:
    """Check that ``eligible`` and ``in_stock`` compile to SQL, which needs no connection."""
    for name in ("eligible", "in_stock"):
        try:
            products = adapter.eligible()
            products = adapter.in_stock(products) if name == "in_stock" else products
            if not isinstance(products, QuerySet):
                raise TypeError(f"{products!r:.80} is no queryset")
            products.query.sql_with_params()
        except EmptyResultSet:
            continue  # a filter that no product passes is valid
        except Exception as error:  # noqa: BLE001 - a host's managers raise anything
            # in_stock narrows eligible, so it would only repeat the error.
            return [_query_error(name, error)]
    return []


def _query_error(name: str, error: Exception) -> CheckMessage:
    return Error(
        f"The products that are {name} cannot be queried: {_text_of(error)}",
        hint=f"Correct SIMILARITY['CATALOG'][{name!r}]; it is a dict of lookups such as "
        "{'is_active': True, 'stock__gt': 0}, a Q, or a function that returns a queryset. Commands "
        "and workers have no request: a manager that needs a request, for example for its tenant, "
        "must also work without.",
        id="similarity.E013",
    )


def _text_of(error: Exception) -> str:
    """Return class and text, without the list of all fields that Django adds."""
    text = str(error).split(" Choices are:")[0].strip()
    return f"{type(error).__name__}: {text}"


def _check_api_filters(model: type[Model]) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    filters = conf.get("API", "FILTERS")
    for name, lookup in filters.items() if isinstance(filters, Mapping) else ():
        if isinstance(lookup, str) and Path(lookup).lookup(model) is None:
            messages.append(
                Error(
                    f"SIMILARITY['API']['FILTERS'][{name!r}] is {lookup!r}, which is no field "
                    f"reachable from {model._meta.label}.",
                    hint=did_you_mean(lookup.split("__")[0], _field_names(model)),
                    id="similarity.E014",
                )
            )
    return messages


def _field_names(model: type[Model]) -> list[str]:
    """Return the model's own fields, then relations that refer to it."""
    return [field.name for field in sorted(model._meta.get_fields(), key=_is_reverse)]


def _is_reverse(field: Any) -> bool:
    return bool(field.auto_created and not field.concrete)
