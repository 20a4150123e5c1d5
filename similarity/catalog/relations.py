"""Paths from rows of the host's tables to the products or orders that read them.

Paths go by table, not by class: a proxy writes its model's table, and a child also writes its
parents' tables. A parent's row is part of the child's. Signals and triggers both use these rules.
An "owner" is a product or an order.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.db.models import Model, QuerySet

from similarity.catalog.paths import fields_of

#: Keys that a query streams at once.
CHUNK = 5000


def concrete(model: type[Model]) -> type[Model]:
    """Return the model that has the table: for a proxy its concrete model."""
    own: type[Model] = model._meta.concrete_model or model
    return own


def relatives(model: type[Model]) -> list[type[Model]]:
    """Return the models whose saves write the table of ``model`` or of its parents."""
    own = concrete(model)
    return [
        each
        for each in own._meta.apps.get_models(include_auto_created=True)
        if issubclass(concrete(each), own) or issubclass(own, concrete(each))
    ]


def row_key(instance: Model, model: type[Model]) -> tuple[str, Any] | None:
    """Return (field, value) that finds the row of ``model`` that ``instance`` is part of.

    The field is the primary key of ``model``, or of the saved parent of ``model``. None for an
    instance that shares no table with ``model``.
    """
    own, theirs = concrete(model), concrete(type(instance))
    if not issubclass(theirs, own) and not issubclass(own, theirs):
        return None
    key = (own if issubclass(theirs, own) else theirs)._meta.pk
    return key.name, getattr(instance, key.attname)


def own_keys(owner: type[Model], instance: Model, using: str) -> Iterator[Any]:
    """Yield the primary keys of owners that ``instance`` is a row of, or a part of."""
    found = row_key(instance, owner)
    if found is None:
        return
    if found[0] == concrete(owner)._meta.pk.name:
        yield found[1]
    else:
        yield from _keys(owner, using, {found[0]: found[1]})


def dependents(
    owner: type[Model], related: type[Model], lookups: Iterable[str], instance: Model, using: str
) -> Iterator[Any]:
    """Yield the primary keys of owners whose ``lookups`` lead to the row of ``instance``.

    Goes by primary key, even if a foreign key on the way has another ``to_field``.
    """
    found = row_key(instance, related)
    if found is None:
        return
    name, value = found
    for lookup in lookups:
        yield from _keys(owner, using, {f"{lookup}__{name}": value})


@dataclass(frozen=True)
class Link:
    """A key of a join table's rows that leads to owners.

    ``lookup`` of the owner equals ``column`` of the row. The column names a row of ``end`` by its
    ``target``. ``content_type`` is the column that holds the model for rows that can tag any model.
    It is empty for a foreign key.
    """

    through: type[Model]
    column: str
    lookup: str
    end: type[Model]
    target: str
    content_type: str = ""

    def keys_of(self, owner: type[Model], row: Model, using: str) -> Iterator[Any]:
        """Yield the owners that a row of the join table leads to."""
        if self.content_type:
            from django.contrib.contenttypes.models import ContentType  # a host may not install it

            mine = ContentType.objects.db_manager(using).get_for_model(self.end)
            if getattr(row, self._attname(self.content_type)) != mine.pk:
                return
        yield from self.keys(owner, [getattr(row, self._attname(self.column))], using)

    def keys(self, owner: type[Model], values: Iterable[Any], using: str) -> Iterator[Any]:
        """Yield the owners that lead to rows of ``end`` whose ``target`` is one of ``values``."""
        known = [value for value in values if value is not None]
        if self.lookup == owner._meta.pk.name:
            yield from map(owner._meta.pk.to_python, known)
        elif known:
            yield from _keys(owner, using, {f"{self.lookup}__in": known})

    def keys_of_change(
        self,
        owner: type[Model],
        instance: Model,
        action: str,
        model: type[Model],
        pk_set: set[Any] | None,
        using: str,
    ) -> Iterator[Any]:
        """Yield the owners that a change of a many-to-many relation concerns.

        The arguments are those of Django's ``m2m_changed``. Either side may lead to owners. A clear
        from the other side names no rows.
        """
        values: list[Any] = []
        if action == "pre_clear":
            values += self.linked_to(instance, using)
        elif row_key(instance, self.end) is not None:
            values.append(getattr(instance, self.target))
        if model in relatives(self.end):
            values += pk_set or ()
        yield from self.keys(owner, values, using)

    def linked_to(self, other: Model, using: str) -> list[Any]:
        """Return the values of the key in rows whose other ends name ``other``."""
        rows = self.through._base_manager.using(using)
        values: list[Any] = []
        for field in _keys_to_others(self.through):
            target = field.related_model
            if field.column == self.column:
                continue
            if row_key(other, target) is not None:
                value = getattr(other, field.target_field.attname)
                found = rows.filter(**{field.attname: value})
                values += found.values_list(self._attname(self.column), flat=True)
        return values

    def _attname(self, column: str) -> str:
        fields = self.through._meta.concrete_fields
        return next(field.attname for field in fields if field.column == column)


class Adapter(Protocol):
    """The methods of both adapters that name the tables they read."""

    @property
    def model(self) -> type[Model]: ...

    def related_models(self) -> Mapping[type[Model], Iterable[str]]: ...

    def many_to_many(self) -> Iterable[type[Model]]: ...


def links_of(adapter: Adapter, through: type[Model] | None = None) -> list[Link]:
    """Return the keys of join tables, or only of ``through``, that lead to the adapter's rows."""
    found = join_links(adapter.model, adapter.related_models().values(), adapter.many_to_many())
    return [link for link in found if through in (None, link.through)]


def join_links(
    owner: type[Model],
    related: Iterable[Iterable[str]],
    throughs: Iterable[type[Model]],
) -> list[Link]:
    """Return the keys of join tables that lead to owners, each once.

    ``related`` holds the lookups of each model that owners read. ``throughs`` are join tables that
    an adapter names. A join table outside every lookup is assumed to join the owners themselves.
    """
    found = list(links(owner, (lookup for lookups in related for lookup in lookups)))
    on_the_way = {link.through for link in found}
    for through in throughs:
        if through not in on_the_way:
            found += ends(owner, through, [])
    return list(dict.fromkeys(found))


def links(owner: type[Model], lookups: Iterable[str]) -> Iterator[Link]:
    """Yield the keys of each join table on the way of ``lookups`` that lead back to owners."""
    for lookup in lookups:
        names = lookup.split("__")
        model = owner
        for at, field in enumerate(fields_of(owner, names)):
            if field.many_to_many:
                through = field.through if field.auto_created else field.remote_field.through
                yield from ends(model, through, names[:at])
            model = field.related_model or model


def ends(model: type[Model], through: type[Model], before: list[str]) -> Iterator[Link]:
    """Yield the keys of ``through`` that name rows of ``model``, which lies behind ``before``."""
    for field in _keys_to_others(through):
        target = field.related_model
        if issubclass(concrete(model), concrete(target)):
            key = field.target_field
            yield Link(through, field.column, "__".join([*before, key.name]), target, key.attname)
    for field in through._meta.private_fields:
        if hasattr(field, "ct_field"):  # a generic foreign key
            key = concrete(model)._meta.pk
            own: Any = through._meta.get_field(field.fk_field)
            kind: Any = through._meta.get_field(field.ct_field)
            lookup = "__".join([*before, key.name])
            yield Link(through, own.column, lookup, concrete(model), key.attname, kind.column)


def _keys_to_others(model: type[Model]) -> list[Any]:
    """Return the model's foreign keys."""
    fields: list[Any] = list(model._meta.concrete_fields)
    return [field for field in fields if isinstance(field.related_model, type)]


def _keys(owner: type[Model], using: str, condition: dict[str, Any]) -> Iterator[Any]:
    rows: QuerySet[Any] = owner._base_manager.using(using).filter(**condition)
    yield from rows.order_by().values_list("pk", flat=True).iterator(chunk_size=CHUNK)
