"""Paths such as ``brand__name`` over a model's relations, properties and JSON keys."""

import logging
import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import takewhile
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.core.files.storage import FileSystemStorage, Storage, default_storage
from django.db.models import JSONField, Manager, Model, Prefetch, QuerySet
from django.db.models.fields.files import FieldFile

from similarity import conf
from similarity.catalog import remote
from similarity.catalog.content import ImageRef
from similarity.catalog.photos import PhotoUnavailable, is_absent

logger = logging.getLogger(__name__)


class Path:
    """A path in Django's notation for lookups."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.names = path.split("__") if path else []

    def values(self, instance: Model) -> list[Any]:
        """Return every value the path leads to from ``instance``; many over a to-many relation."""
        found: list[Any] = [instance]
        for name in self.names:
            found = [value for owner in found for value in _step(owner, name)]
        return found

    def relations(self, model: type[Model]) -> Iterator[tuple[type[Model], str]]:
        """Yield (related model, lookup from ``model``) for each relation of the path."""
        fields = self._fields(model)
        for at, field in enumerate(fields):
            if field.is_relation and field.related_model:
                yield field.related_model, _join(fields[: at + 1])

    def through_models(self, model: type[Model]) -> Iterator[type[Model]]:
        """Yield the through model if the path starts with a many-to-many relation."""
        for field in self._fields(model)[:1]:
            if field.many_to_many:
                yield field.through if field.auto_created else field.remote_field.through

    def columns(self, model: type[Model]) -> Iterator[tuple[type[Model], str | None]]:
        """Yield (model, column) for each column the path reads; None means every column.

        A property may read any column of its model. The text of a whole row may too.
        """
        fields = self._fields(model)
        for field in fields:
            yield from _columns_of(field)
        last = fields[-1] if fields else None
        if last is None or last.is_relation:
            owner = last.related_model if last else model
            if owner:
                yield owner, None

    def leads_to_many(self, model: type[Model]) -> bool:
        return any(_is_many(field) for field in self._fields(model))

    def leads_to_owned(self, model: type[Model]) -> bool:
        """Return True if rows of the path name their owner (as photos do) and may change it."""
        fields = self._fields(model)
        return any(f.one_to_many or (f.one_to_one and f.auto_created) for f in fields)

    def split(self, model: type[Model]) -> "tuple[Path, Path]":
        """Return (path to the rows of the last to-many relation, path from such a row)."""
        fields = self._fields(model)
        end = max((at + 1 for at, field in enumerate(fields) if _is_many(field)), default=0)
        return Path("__".join(self.names[:end])), Path("__".join(self.names[end:]))

    def order(self, model: type[Model]) -> list[str]:
        """Return the lookups to order by, so that rows come in the order of :meth:`values`."""
        fields = self._fields(model)
        many = [_join(fields[: at + 1]) for at, field in enumerate(fields) if _is_many(field)]
        return [order for lookup in many for order in (lookup, f"{lookup}__pk")]

    def related(
        self, model: type[Model], alias: str | None = None
    ) -> tuple[list[str], list[str | Prefetch]]:
        """Return (names for ``select_related``, lookups for ``prefetch_related``).

        With ``alias``, prefetched rows come from that database.
        """
        relations = list(takewhile(lambda field: field.is_relation, self._fields(model)))
        names = [_accessor(field) for field in relations]
        if not self.leads_to_many(model):
            return (["__".join(names)] if names else []), []
        if alias is None or not all(field.related_model for field in relations):
            return [], ["__".join(names)]
        return [], [
            Prefetch("__".join(names[: at + 1]), _related_rows(field).using(alias))
            for at, field in enumerate(relations)
        ]

    def lookup(self, model: type[Model]) -> str | None:
        """Return the path as an ORM lookup; None if it goes over a property or method."""
        fields = self._fields(model)
        if len(fields) == len(self.names) or (fields and isinstance(fields[-1], JSONField)):
            return "__".join([_join(fields), *self.names[len(fields) :]])
        return None

    def unknown(self, model: type[Model]) -> str | None:
        """Return the first name that is neither a field nor an attribute, or None."""
        fields = self._fields(model)
        if len(fields) == len(self.names) or (fields and isinstance(fields[-1], JSONField)):
            return None
        owner = (fields[-1].related_model if fields[-1].is_relation else None) if fields else model
        name = self.names[len(fields)]
        return None if owner is not None and hasattr(owner, name) else name

    def _fields(self, model: type[Model]) -> list[Any]:
        """Return the model field of each leading name that is a field."""
        return fields_of(model, self.names)

    def __repr__(self) -> str:
        return f"Path({self.path!r})"


def fields_of(model: type[Model], names: Iterable[str]) -> list[Any]:
    """Return the field or relation of each leading name that is a field or relation."""
    fields: list[Any] = []
    owner: type[Model] | None = model
    for name in names:
        field = _field(owner, name) if owner else None
        if field is None:
            break
        fields.append(field)
        owner = field.related_model if field.is_relation else None
    return fields


def text_value(values: Iterable[Any]) -> str:
    """Return values as one text: ``yes``/``no`` for booleans, commas between several."""
    texts = []
    for value in values:
        if isinstance(value, bool):
            texts.append("yes" if value else "no")
        elif isinstance(value, list | tuple | set):
            texts.append(text_value(value))
        elif value is not None and not isinstance(value, dict):
            texts.append(str(value).strip())
    return ", ".join(text for text in texts if text)


def image_refs(files: Iterable[Any], most: int) -> list[ImageRef]:
    """Return references to the first ``most`` files, read through the host's storage.

    A value is a file field's value, a name in the default storage, or an address. An address is
    fetched only if its domain is in ``IMAGES["DOMAINS"]``. Otherwise it is left out.
    """
    refs: list[ImageRef] = []
    for file in files:
        if len(refs) >= most:
            break
        name = getattr(file, "name", file)
        if not name or not isinstance(name, str):
            continue
        if remote.is_remote(name):
            refs += [remote.image_ref(name)] if conf.get("IMAGES", "DOMAINS") else []
            continue
        storage = file.storage if isinstance(file, FieldFile) else default_storage
        refs.append(_image_ref(storage, name))
    return refs


def _image_ref(storage: Storage, name: str) -> ImageRef:
    def read(limit: int) -> bytes:
        try:
            with storage.open(name, "rb") as file:
                return bytes(file.read(limit + 1))
        except FileNotFoundError as error:
            if _is_unmounted(storage):
                raise PhotoUnavailable(f"The folder of the storage is missing: {error}") from error
            raise

    etag, unknown = _etag(storage, name)
    return ImageRef(name=name, read=read, etag=etag, unknown=unknown)


def _etag(storage: Storage, name: str) -> tuple[str, str]:
    """Return (size and time of a file, reason they are unknown for now); one part is empty."""
    try:
        return f"{storage.size(name)}-{storage.get_modified_time(name).timestamp():.0f}", ""
    except (NotImplementedError, AttributeError, TypeError) as error:
        logger.info("The storage has no size or time of image %r: %s", name, error)
        return "", ""
    except Exception as error:  # noqa: BLE001 - storages of other packages raise their own errors
        if is_absent(error) and not _is_unmounted(storage):
            return "", ""
        logger.info("Size and time of image %r are unknown now: %s", name, error)
        return "", f"size and time of {name!r} are unknown: {type(error).__name__}: {error}"


def _is_unmounted(storage: Storage) -> bool:
    """Return True if the folder of a storage on disk is missing, so that every file is unknown."""
    folder = getattr(storage, "location", None)
    on_disk = isinstance(storage, FileSystemStorage) and isinstance(folder, str)
    return on_disk and not os.path.isdir(str(folder))


def _step(owner: Any, name: str) -> list[Any]:
    if isinstance(owner, dict):
        value = owner.get(name)
    else:
        field = _field(type(owner), name) if isinstance(owner, Model) else None
        value = getattr(owner, _accessor(field) if field else name, None)
    if isinstance(value, Manager):
        return _in_order(value.all())
    if callable(value) and not isinstance(value, FieldFile):
        value = value()
    return [] if value is None else [value]


def _in_order(rows: QuerySet[Any]) -> list[Any]:
    """Return rows in their model's order, else by key, because a database may return any order."""
    return list(rows) if rows.ordered else sorted(rows, key=lambda row: row.pk)


def _is_many(field: Any) -> bool:
    return bool(field.many_to_many or field.one_to_many)


@lru_cache(maxsize=4096)
def _field(model: type[Model], name: str) -> Any:
    """Return the field or reverse relation that lookups or instances call ``name``, or None."""
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist:
        accessors = {rel.get_accessor_name(): rel for rel in model._meta.related_objects}
        return accessors.get(name)


def _accessor(field: Any) -> str:
    """Return the name of the instance's attribute that holds the field."""
    return str(field.get_accessor_name() if hasattr(field, "get_accessor_name") else field.name)


def _related_rows(field: Any) -> QuerySet[Any]:
    """Return the rows Django itself reads: a host's manager for many, every row for one."""
    model = field.related_model
    many = field.many_to_many or field.one_to_many
    return (model._default_manager if many else model._base_manager).all()


def _columns_of(field: Any) -> Iterator[tuple[type[Model], str | None]]:
    """Yield the columns a step reads; for many rows also those that order and choose them."""
    if getattr(field, "column", None) and not field.many_to_many:
        yield field.model, field.column
        return
    if not field.related_model:  # a generic key may lead to any model
        yield field.model, None
        return
    if field.one_to_many or field.one_to_one:
        yield (
            (field.field.model, field.field.column)
            if field.auto_created
            else (
                field.related_model,
                None,
            )
        )
    if field.one_to_many or field.many_to_many:
        for column in _ordering(field.related_model):
            yield field.related_model, column


def _ordering(model: type[Model]) -> Iterator[str | None]:
    """Yield the columns a related manager orders and chooses rows by; None means any column."""
    if type(model._default_manager).get_queryset is not Manager.get_queryset:
        yield None
    for name in model._meta.ordering or ():
        field = _field(model, name.lstrip("-")) if isinstance(name, str) and name != "?" else None
        if name in ("pk", "-pk", "?"):
            continue
        yield getattr(field, "column", None)


def _join(fields: list[Any]) -> str:
    return "__".join(field.name for field in fields)
