"""Filters of a django-oscar shop: category levels, attributes, product class."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import DatabaseError
from django.db.models import (
    Case,
    CharField,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Left
from oscar.core.loading import get_model

from similarity.catalog.content import LEVEL

#: Levels of the category tree that facets name.
MAX_LEVELS = 8

#: Type of an attribute that can be filtered by → the lookup of its value.
VALUES = {
    "text": "value_text",
    "option": "value_option__option",
    "multi_option": "value_multi_option__option",
    "integer": "value_integer",
    "float": "value_float",
    "boolean": "value_boolean",
}
#: Rows of the outer query's product, or of one of its variants on sale.
OF_PRODUCT = Q(product=OuterRef("pk")) | Q(product__parent=OuterRef("pk"), product__is_public=True)
TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")


def names() -> list[str]:
    """Return the attributes that :func:`condition` knows; the first two without a database."""
    try:
        codes = _attributes().filter(type__in=VALUES).values_list("code", flat=True)
        return ["category", "product_class", *sorted(set(codes))]
    except DatabaseError:
        return ["category", "product_class"]


def condition(name: str, values: Sequence[str]) -> dict[str, Any] | None:
    """Return keyword arguments for ``filter`` on products; None for an unknown attribute."""
    if name == "category":
        return {"productcategory__category__in": _categories_of(values)}
    if name == "product_class":
        return {"product_class__name__in": list(values)}
    types = _types_of(name)
    if not types:
        return None
    one_of = Q(pk__in=())
    for kind in types:
        one_of |= Q(**{f"{VALUES[kind]}__in": _parsed(kind, values)})
    found = _attribute_values().filter(one_of, attribute__code=name)
    return {"attribute_values__in": found.values("pk")}


def value(name: str) -> Any:
    """Return SQL for the attribute's values of a product and its variants; None if unknown."""
    if name == "product_class":
        return Coalesce("product_class__name", "parent__product_class__name")
    if name == "category":
        rows = get_model("catalogue", "ProductCategory").objects.filter(product=OuterRef("pk"))
        return ArraySubquery(rows.order_by("pk").values_list(_path_of("category"), flat=True))
    types = _types_of(name)
    if not types:
        return None
    rows = _attribute_values().filter(OF_PRODUCT, attribute__code=name)
    text = Coalesce(*(_as_text(kind) for kind in types), Value(""), output_field=TextField())
    return ArraySubquery(rows.order_by("pk").values_list(text, flat=True))


def read_category_paths(alias: str) -> Mapping[Any, str]:
    """Map each category of the tree to its names from the root."""
    model = get_model("catalogue", "Category")
    names: dict[str, str] = {}
    paths = {}
    rows = model._base_manager.using(alias).order_by("path").values_list("pk", "path", "name")
    for key, path, name in rows:
        above = names.get(path[: -model.steplen])
        names[path] = f"{above}{LEVEL}{name}" if above else name
        paths[key] = names[path]
    return paths


def _categories_of(values: Sequence[str]) -> QuerySet[Any]:
    """Return the categories that ``values`` name, from the root or any level, and those below."""
    model = get_model("catalogue", "Category")
    last = {value.rsplit(LEVEL, 1)[-1] for value in values}
    named = dict(model._base_manager.filter(name__in=last).values_list("path", "name"))
    above = {path[:end] for path in named for end in range(model.steplen, len(path), model.steplen)}
    named_above = dict(model._base_manager.filter(path__in=above).values_list("path", "name"))
    below = Q(pk__in=())
    for path in named:
        steps = range(model.steplen, len(path), model.steplen)
        whole = LEVEL.join([*(named_above.get(path[:end], "") for end in steps), named[path]])
        if any(whole == value or whole.endswith(LEVEL + value) for value in values):
            below |= Q(path__startswith=path)
    return model._base_manager.filter(below)


def _path_of(category: str) -> Any:
    """Return SQL for a category's joined names from its root: each level by the unique path."""
    model = get_model("catalogue", "Category")
    levels = [
        Case(
            When(
                **{f"{category}__depth__gte": depth},
                then=Subquery(
                    model._base_manager.filter(
                        path=Left(OuterRef(f"{category}__path"), depth * model.steplen)
                    ).values("name")[:1]
                ),
            ),
            output_field=CharField(),
        )
        for depth in range(1, MAX_LEVELS + 1)
    ]
    return Func(Value(LEVEL), *levels, function="concat_ws", output_field=TextField())


def _types_of(name: str) -> list[str]:
    """Return the filterable types of the attribute, over all product classes."""
    found = _attributes().filter(code=name, type__in=VALUES)
    return sorted(set(found.values_list("type", flat=True)))


def _parsed(kind: str, values: Sequence[str]) -> list[Any]:
    """Return a request's texts as values of the column; leave out texts of another type."""
    if kind == "boolean":
        known = {**dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}
        return [known[value.lower()] for value in values if value.lower() in known]
    if kind in ("integer", "float"):
        return [number for value in values if (number := _number(kind, value)) is not None]
    return list(values)


def _number(kind: str, text: str) -> float | None:
    try:
        number = int(text) if kind == "integer" else float(text)
    except ValueError:
        return None
    return number if abs(number) < 2**31 else None  # a NaN fails this too


def _as_text(kind: str) -> Any:
    lookup = VALUES[kind]
    if kind == "boolean":
        yes, no = Value("True"), Value("False")
        told = {"output_field": TextField()}
        return Case(When(**{lookup: True}, then=yes), When(**{lookup: False}, then=no), **told)
    return F(lookup) if kind in ("text", "option", "multi_option") else Cast(lookup, TextField())


def _attributes() -> QuerySet[Any]:
    found: QuerySet[Any] = get_model("catalogue", "ProductAttribute")._default_manager.all()
    return found.order_by()


def _attribute_values() -> QuerySet[Any]:
    found: QuerySet[Any] = get_model("catalogue", "ProductAttributeValue")._default_manager.all()
    return found
