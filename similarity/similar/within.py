"""The host's queryset as SQL inside a vector query."""

from collections.abc import Iterable
from functools import cached_property
from string import Formatter
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import connections
from django.db.models import CharField, Field, Model, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.query import ModelIterable
from psycopg.sql import SQL, Composable

from similarity import conf
from similarity.exceptions import QueryError
from similarity.models import ProductVectors

#: The vectors table's alias in every query of this room, unlikely to be an alias of the host.
CANDIDATE = "similarity_candidate"


class Fragment(NamedTuple):
    """SQL and its parameters."""

    sql: str
    params: tuple[Any, ...] = ()


def compose(template: str, **parts: "Fragment | Composable") -> Fragment:
    """Return the template with each ``{name}`` filled; parameters in the order of their places."""
    sql = ""
    params: tuple[Any, ...] = ()
    for text, name, _format, _conversion in Formatter().parse(template):
        sql += text
        if name:
            part = parts[name]
            part = part if isinstance(part, Fragment) else Fragment(part.as_string(None))
            sql += part.sql
            params += part.params
    return Fragment(sql, tuple(params))


def parameter(held: Any) -> Fragment:
    """Return a parameter as a part of :func:`compose`."""
    return Fragment("%s", (held,))


class Within:
    """The products that may be hits: the host's filter, run live inside the vector query.

    Accepts any queryset of products: filtered over relations, annotated, ordered, distinct,
    sliced or a union. A sliced, grouped, ``distinct(fields)`` or combined queryset cannot be
    tested for one product without running it as a whole. Such a queryset is not :attr:`per_row`
    and is always searched exactly. Raises :class:`QueryError` for anything else than a queryset
    of products.
    """

    def __init__(self, products: QuerySet[Any]) -> None:
        _require_products(products)
        self.products = products
        self.using: str = products.db

    @cached_property
    def keys(self) -> Fragment | None:
        """``SELECT key …`` of every passing product; None if no product can pass."""
        inner = self._compile(self.products if self.fixed_rows else self.products.order_by())
        if inner is None:
            return None
        # The column list names only the first column, because DISTINCT with ORDER BY selects more.
        return compose("SELECT passing.key FROM ({inner}) AS passing(key)", inner=inner)

    @property
    def fixed_rows(self) -> bool:
        """True if another filter would change the queryset's rows, for example in a slice."""
        query = self.products.query
        return bool(query.is_sliced or query.combinator or query.distinct_fields)

    @property
    def per_row(self) -> bool:
        """True if one product can be tested by itself, without running the whole queryset."""
        return not self.fixed_rows and self.products.query.group_by is None

    @cached_property
    def passes_candidate(self) -> Fragment:
        """A condition on the row :data:`CANDIDATE`, evaluated row by row.

        ``OFFSET 0`` prevents PostgreSQL from turning it into a join: the vector index is then
        read in its order and each row is looked up by primary key, until enough have passed.
        """
        column = RawSQL(  # noqa: S611 - a constant
            f'"{CANDIDATE}"."product_id"', (), output_field=key_field()
        )
        inner = self._compile(self.products.order_by().filter(pk=column))
        return (
            Fragment(f"EXISTS ({inner.sql} OFFSET 0)", inner.params) if inner else Fragment("FALSE")
        )

    def passes(self, key: Any) -> Fragment:
        """Return a condition that is true if the product with this key passes."""
        inner = self._compile(self.products.order_by().filter(pk=key))
        return Fragment(f"EXISTS ({inner.sql})", inner.params) if inner else Fragment("FALSE")

    def narrowed(self) -> QuerySet[Any]:
        """Return the passing products as a queryset that can be filtered and ordered further."""
        model = conf.product_model()
        if self.keys is None:
            return model._base_manager.using(self.using).none()
        keys = RawSQL(*self.keys)  # noqa: S611 - compiled by Django, parameters apart
        return model._base_manager.using(self.using).filter(pk__in=keys)

    def load(self, keys: Iterable[Any]) -> dict[Any, Model]:
        """Return the host's objects by key, by one query and the queryset's own prefetches."""
        products = self.products
        if self.fixed_rows or products._iterable_class is not ModelIterable:
            products = conf.product_model()._base_manager.using(self.using).all()
        return {product.pk: product for product in products.order_by().filter(pk__in=list(keys))}

    def _compile(self, products: QuerySet[Any]) -> Fragment | None:
        query = products.values("pk").query
        query.select_for_update = False
        if not self.fixed_rows:
            query.distinct = False  # a test of membership does not need it
        try:
            sql, params = query.get_compiler(using=self.using).as_sql()
        except EmptyResultSet:
            return None
        return Fragment(sql, tuple(params))


def key_field() -> "Field[Any, Any]":
    """Return the product model's primary key field, as the vectors' foreign key sees it."""
    return ProductVectors._meta.get_field("product").target_field


def key_order(column: str) -> str:
    """Return SQL that sorts keys as Python does, under any collation of the database."""
    return f'{column} COLLATE "C"' if isinstance(key_field(), CharField | TextField) else column


def sortable_key() -> SQL:
    """Return :func:`key_order` of ``product_id`` as a part of :func:`compose`."""
    return SQL(key_order("product_id"))


def key_of(product: Any) -> Any:
    """Return the primary key, in the model's own type, of an instance or of a key in any form.

    Raises :class:`QueryError` for an instance of another model, an unsaved instance, or a value
    that cannot be a key.
    """
    model = conf.product_model()
    if isinstance(product, Model):
        if not isinstance(product, model._meta.concrete_model or model):
            raise QueryError(
                f"{product!r} is a {product._meta.label}; pass a {model._meta.label} or its key."
            )
        if product.pk is None:
            raise QueryError(f"{product!r} is not saved and has no key; save it first.")
        return product.pk
    try:
        if product is None or isinstance(product, bool):
            raise ValidationError("no key")
        return key_field().to_python(product)
    except (ValidationError, TypeError, ValueError) as error:
        raise QueryError(
            f"{product!r} is no key of {model._meta.label}; "
            f"pass a product or a value for its {key_field().name!r}."
        ) from error


def database_keys(keys: Iterable[Any], using: str) -> list[Any]:
    """Return keys in the form the database driver takes."""
    field = key_field()
    return [field.get_db_prep_value(key, connections[using], prepared=False) for key in keys]


def _require_products(products: Any) -> None:
    model = conf.product_model()
    wanted = f"pass a queryset of {model._meta.label}, for example {model.__name__}.objects.all()"
    if not isinstance(products, QuerySet):
        raise QueryError(f"within is {type(products).__name__} {products!r:.80}; {wanted}.")
    if products.model._meta.concrete_model is not model._meta.concrete_model:
        raise QueryError(f"within selects {products.model._meta.label}; {wanted}.")
    if isinstance(products.query.group_by, tuple):
        raise QueryError(
            "within groups rows by values() before annotate(), so its rows are not products; "
            f"{wanted}, annotated where needed."
        )
