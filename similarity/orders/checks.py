"""Check ``SIMILARITY["ORDERS"]["SOURCE"]`` against the host's order model, without queries."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import EmptyResultSet, FieldError, ValidationError
from django.db.models import DateField, EmailField, Model

from similarity import conf
from similarity.catalog.paths import Path
from similarity.checks.settings import did_you_mean
from similarity.exceptions import ConfigurationError
from similarity.orders.adapter import get_order_adapter
from similarity.orders.counting.engine import get_engine
from similarity.orders.mapping import MappedOrders

PATHS = ("placed_at", "products", "quantity", "user")


def check_orders(**kwargs: Any) -> list[CheckMessage]:
    """Check the adapter, its paths, its filters and the counting engine."""
    try:
        conf.product_model()
        configured = conf.get("ORDERS", "SOURCE")
    except ConfigurationError:
        return []  # reported by similarity.E001 to E003
    if configured in (None, "") or not isinstance(configured, str | Mapping):
        return []  # similarity.E005 reports values of a wrong type
    try:
        adapter = get_order_adapter()
    except ConfigurationError as error:
        return [_adapter_error(configured, error)]
    messages = _check_engine()
    if isinstance(adapter, MappedOrders):
        messages += _check_paths(adapter) or [
            *_check_placed_at(adapter),
            *(
                _check_products(adapter)
                or [*_check_quantity(adapter), *_check_one_product(adapter)]
            ),
            *(_check_customer(adapter) or _check_guests(adapter)),
            *_check_user(adapter),
            *_check_filter(adapter, "counted"),
            *_check_filter(adapter, "verified"),
            *_check_lacking(adapter),
        ]
    return messages


def _adapter_error(configured: Any, error: Exception) -> Error:
    hint = "Name a subclass of similarity.orders.OrderAdapter."
    if isinstance(configured, Mapping):
        known = MappedOrders.KEYS
        unknown = [key for key in configured if key not in known]
        listed = "docs/settings.md lists the keys of ORDERS."
        hint = did_you_mean(unknown[0], known) if unknown else listed
    return Error(str(error), hint=hint, id="similarity.E050")


def _check_paths(adapter: MappedOrders) -> list[CheckMessage]:
    """Check that every path is a lookup, because orders are read by the million."""
    messages: list[CheckMessage] = []
    named = [(key, adapter.mapping[key]) for key in PATHS if key in adapter.mapping]
    named += [("customer", path) for path in adapter.customer_paths]
    for key, path in named:
        if Path(path).lookup(adapter.model) is not None:
            continue
        owner, name = _where_it_ends(path, adapter.model)
        messages.append(
            Error(
                f"SIMILARITY['ORDERS']['SOURCE'][{key!r}] is {path!r}, and {owner._meta.label} has "
                f"no field {name!r}.",
                hint=did_you_mean(name, [field.name for field in owner._meta.get_fields()]),
                id="similarity.E051",
            )
        )
    return messages


def _check_placed_at(adapter: MappedOrders) -> list[CheckMessage]:
    path = adapter.mapping["placed_at"]
    last = Path(path)._fields(adapter.model)[-1]
    if isinstance(last, DateField):  # also a DateTimeField
        return []
    return [
        Error(
            f"SIMILARITY['ORDERS']['SOURCE']['placed_at'] is {path!r}, which leads to a "
            f"{type(last).__name__}.",
            hint="Name the DateTimeField or DateField with the time when an order was placed.",
            id="similarity.E052",
        )
    ]


def _check_products(adapter: MappedOrders) -> list[CheckMessage]:
    path, product = adapter.mapping["products"], conf.product_model()
    last = Path(path)._fields(adapter.model)[-1]
    target = last.related_model
    if isinstance(target, type) and issubclass(product, target):
        return []
    return [
        Error(
            f"SIMILARITY['ORDERS']['SOURCE']['products'] is {path!r}, which does not lead to "
            f"{product._meta.label}.",
            hint="Name the relation from an order's line to the product, such as 'lines__product'.",
            id="similarity.E053",
        )
    ]


def _check_one_product(adapter: MappedOrders) -> list[CheckMessage]:
    """Warn if ``model`` is a line of an order.

    A line has a single product, so no pair is ever counted.
    """
    path, model = adapter.mapping["products"], adapter.model
    if Path(path).leads_to_many(model):
        return []
    return [
        Warning(
            f"SIMILARITY['ORDERS']['SOURCE']['products'] is {path!r}, which gives each "
            f"{model._meta.label} one product: no products are ever bought together.",
            hint=f"Name the model of whole orders if {model._meta.label} is a line of an order.",
            id="similarity.W060",
        )
    ]


def _check_quantity(adapter: MappedOrders) -> list[CheckMessage]:
    """Check that quantity and products are on the same row; otherwise sums would be too high.

    A quantity from another table would be summed once for each of its rows.
    """
    path, products = adapter.mapping.get("quantity"), adapter.mapping["products"]
    if path is None or path.rpartition("__")[0] == products.rpartition("__")[0]:
        return []
    beside = products.rpartition("__")[0] or "the order"
    return [
        Error(
            f"SIMILARITY['ORDERS']['SOURCE']['quantity'] is {path!r}, and the products are "
            f"{products!r}: it is not on the same row.",
            hint=f"Name a field of {beside}, or leave it out.",
            id="similarity.E054",
        )
    ]


def _check_customer(adapter: MappedOrders) -> list[CheckMessage]:
    named = [("placed_at", adapter.mapping["placed_at"])]
    named += [("customer", path) for path in adapter.customer_paths]
    return [
        Error(
            f"SIMILARITY['ORDERS']['SOURCE'][{key!r}] is {path!r}, which gives an order several "
            "values.",
            hint="Name a path with one value per order, such as 'customer_id'.",
            id="similarity.E055",
        )
        for key, path in named
        if Path(path).leads_to_many(adapter.model)
    ]


def _check_guests(adapter: MappedOrders) -> list[CheckMessage]:
    """Warn if guests count as unknown customers although an e-mail address distinguishes them."""
    paths = adapter.customer_paths
    fields = Path(paths[0])._fields(adapter.model) if len(paths) == 1 else []
    if not any(field.null for field in fields):
        return []
    addresses = [
        field.name
        for field in adapter.model._meta.concrete_fields
        if isinstance(field, EmailField) or "email" in field.name.lower()
    ]
    if not addresses or addresses[0] in paths:
        return []
    both = [paths[0], addresses[0]]
    return [
        Warning(
            f"SIMILARITY['ORDERS']['SOURCE']['customer'] is {paths[0]!r}, which may be "
            "empty: orders of guests do not help a pair to be shown.",
            hint=f"Also name the field that distinguishes guests: {both!r}.",
            id="similarity.W063",
        )
    ]


def _check_user(adapter: MappedOrders) -> list[CheckMessage]:
    """Check that ``user`` leads to the user model.

    A key of another model can equal a user's key, and would personalise results with the orders of
    the wrong person.
    """
    path = adapter.mapping.get("user")
    last = None if path is None else Path(path)._fields(adapter.model)[-1]
    if last is None or last.related_model is get_user_model():
        return []
    return [
        Error(
            f"SIMILARITY['ORDERS']['SOURCE']['user'] is {path!r}, which does not lead to "
            f"{get_user_model()._meta.label}.",
            hint="Name the relation from an order to the user who placed it, such as "
            "'customer__user', or leave it out.",
            id="similarity.E059",
        )
    ]


def _check_filter(adapter: MappedOrders, key: str) -> list[CheckMessage]:
    orders = adapter.model._base_manager.using(adapter.write_alias)
    try:
        orders.filter(**adapter.mapping.get(key, {})).query.sql_with_params()
    except EmptyResultSet:
        return []  # a filter that matches no orders is valid
    except (FieldError, ValidationError, ValueError, TypeError) as error:
        return [
            Error(
                f"Orders that are {key} cannot be queried: {error}",
                hint=f"Correct SIMILARITY['ORDERS']['SOURCE'][{key!r}]; its keys are lookups of "
                "QuerySet.filter, such as {'status__in': ['placed', 'shipped']}.",
                id="similarity.E056",
            )
        ]
    return []


def _check_lacking(adapter: MappedOrders) -> list[CheckMessage]:
    """Warn about each optional key that is missing, and name the consequence."""
    found = {
        "counted": Warning(
            "SIMILARITY['ORDERS']['SOURCE'] has no 'counted': cancelled and returned orders count.",
            hint="Filter them out, for example {'status__in': ['placed', 'shipped']}; {} means "
            "that every order counts.",
            id="similarity.W057",
        ),
        "verified": Warning(
            "SIMILARITY['ORDERS']['SOURCE'] has no 'verified': orders that anyone can invent "
            "decide what all shoppers see as bought together.",
            hint="Name the orders that are paid, shipped or of a verified customer, for example "
            "{'status': 'paid'}; {} means that every order that counts is verified.",
            id="similarity.W061",
        ),
        "customer": Warning(
            "SIMILARITY['ORDERS']['SOURCE'] has no 'customer': customers cannot be distinguished, "
            "so no products are shown as bought together.",
            hint="Name fields that distinguish customers, for example ['customer_id', 'email'].",
            id="similarity.W062",
        ),
    }
    return [message for key, message in found.items() if key not in adapter.mapping]


def _check_engine() -> list[CheckMessage]:
    try:
        get_engine()
    except ConfigurationError as error:
        return [
            Error(
                str(error),
                hint="Name 'similarity.orders.counting.local.LocalEngine' or another Engine.",
                id="similarity.E058",
            )
        ]
    return []


def _where_it_ends(path: str, model: type[Model]) -> tuple[type[Model], str]:
    """Return the model that lacks the next name of the path, and that name."""
    fields = Path(path)._fields(model)
    owner = fields[-1].related_model if fields and fields[-1].related_model else model
    return owner, Path(path).names[min(len(fields), len(Path(path).names) - 1)]
