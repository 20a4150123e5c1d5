"""Tables that a product's content reads, and the route from a row of each to products."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.models import Model
from django.db.models.expressions import RawSQL

from similarity.catalog import relations
from similarity.catalog.adapter import CatalogAdapter
from similarity.catalog.paths import fields_of

#: The rows a statement wrote, as the queries of :attr:`Watched.routes` see them.
CHANGED = "similarity_changed"


@dataclass(frozen=True)
class Watched:
    """A table whose changes are captured.

    ``columns`` are the relevant columns; None means every column. ``routes`` are queries over
    ``CHANGED`` that return keys of products. ``needed`` are its columns that they read.
    """

    model: type[Model]
    columns: frozenset[str] | None
    routes: tuple[str, ...]
    needed: frozenset[str]

    @property
    def table(self) -> str:
        return self.model._meta.db_table


@dataclass(frozen=True)
class _Route:
    """Products whose ``lookup`` is among the values of ``column`` of the changed rows."""

    model: type[Model]
    column: str
    lookup: str
    #: For a generic relation: the column that names the owner's content type, and the owner.
    content_type: str = ""
    owner: type[Model] | None = None
    #: For a join table: all its columns count, whatever columns an adapter names for it.
    links: bool = False


def watched(adapter: CatalogAdapter) -> list[Watched]:
    """Return every table that the adapter's products are read from, the product's own first."""
    routes: dict[type[Model], list[_Route]] = {}
    for route in dict.fromkeys(_routes(adapter)):
        routes.setdefault(_concrete(route.model), []).append(route)
    found = []
    for model, leading in routes.items():
        links = any(route.links for route in leading)
        columns = None if links else adapter.columns_read(model)
        if columns is None or columns:
            found.append(
                Watched(
                    model,
                    None if columns is None else frozenset(columns),
                    tuple(_query(adapter, route) for route in leading),
                    frozenset(_needed(leading)),
                )
            )
    return found


def _needed(routes: list[_Route]) -> Iterator[str]:
    for route in routes:
        yield from filter(None, (route.column, route.content_type))


def _routes(adapter: CatalogAdapter) -> Iterator[_Route]:
    product = adapter.model
    yield _Route(product, key_column(product), "pk")
    for parent in product._meta.get_parent_list():
        yield _Route(parent, key_column(parent), parent._meta.pk.name)
    for model, lookups in adapter.related_models().items():
        for lookup in lookups:
            yield from _over(product, model, lookup)
    related, throughs = adapter.related_models().values(), adapter.many_to_many()
    for link in relations.join_links(product, related, throughs):
        owner = link.end if link.content_type else None
        yield _Route(link.through, link.column, link.lookup, link.content_type, owner, links=True)


def _over(product: type[Model], model: type[Model], lookup: str) -> Iterator[_Route]:
    """Yield routes from the rows of ``model`` and of its parents."""
    names = lookup.split("__")
    fields = fields_of(product, names)
    field, before = fields[-1], names[: len(fields) - 1]
    if getattr(field, "object_id_field_name", None):
        yield _generic(field, before, fields[-2].related_model if before else product)
    elif field.one_to_many or (field.one_to_one and field.auto_created):
        owner = field.field.target_field.name
        yield _Route(field.field.model, field.field.column, "__".join([*before, owner]))
    else:
        yield _Route(model, key_column(model), "__".join([*names, "pk"]))
    for parent in model._meta.get_parent_list():
        key = parent._meta.pk.name
        yield _Route(parent, key_column(parent), "__".join([*names, key]))


def _generic(field: Any, before: list[str], owner: type[Model]) -> _Route:
    related = field.related_model._meta
    return _Route(
        field.related_model,
        related.get_field(field.object_id_field_name).column,
        "__".join([*before, "pk"]),
        related.get_field(field.content_type_field_name).column,
        _concrete(owner),
    )


def key_column(model: type[Model]) -> str:
    return str(model._meta.pk.column)


def _concrete(model: type[Model]) -> type[Model]:
    concrete: type[Model] = model._meta.concrete_model or model
    return concrete


def _query(adapter: CatalogAdapter, route: _Route) -> str:
    """Return the route as SQL with its values in place, because a trigger takes no parameters."""
    alias = adapter.write_alias
    connection: Any = connections[alias]
    quote = connection.ops.quote_name
    own = adapter.model._meta
    if route.lookup == "pk" and _concrete(route.model) is own.concrete_model:
        return f"SELECT {quote(route.column)} FROM {CHANGED}"  # noqa: S608 - names of columns
    values, parameters = f"{quote(route.column)}", []
    if route.content_type:
        owner = (route.owner or _concrete(adapter.model))._meta
        mine = "SELECT id FROM django_content_type WHERE app_label = %s AND model = %s"
        own_rows = f"CASE WHEN {quote(route.content_type)} = ({mine}) THEN {values} END"
        values = f"CAST({own_rows} AS {owner.pk.rel_db_type(connection)})"
        parameters = [owner.app_label, owner.model_name]
    rows = RawSQL(f"SELECT {values} FROM {CHANGED}", parameters)  # noqa: S608, S611 - column names
    products = adapter.model._base_manager.using(alias).filter(**{f"{route.lookup}__in": rows})
    sql, values_of = products.order_by().values_list("pk").query.get_compiler(alias).as_sql()
    return str(connection.ops.compose_sql(sql, values_of))
