"""Values of the host's products that a query found, read together and each converted once."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.expressions import RawSQL

from similarity.similar.within import Fragment, compose

Annotation = Callable[[QuerySet[Any]], tuple[QuerySet[Any], str]]


class Columns:
    """Values of annotations on the host's products, read raw from the database.

    Thousands of products share few different values, so each value is converted once by the model's
    field. Each of ``annotations`` takes the products and returns them with a value, and the value's
    name. Two annotations may use the same name.
    """

    def __init__(self, model: Any, annotations: Sequence[Annotation], using: str) -> None:
        among = RawSQL("SELECT product_id FROM similarity_found", ())
        products = model._base_manager.using(using).order_by().filter(pk__in=among)
        names = [f"similarity_value_{at}" for at in range(len(annotations))]
        for name, annotate in zip(names, annotations, strict=True):
            products, valued = annotate(products)
            products = products.annotate(**{name: F(valued)})
        self._compiler = products.values("pk", *names).query.get_compiler(using=using)
        sql, params = self._compiler.as_sql()
        self._valued = Fragment(sql, tuple(params))

    def read(self, found: Fragment) -> list[tuple[Any, ...]]:
        """Return (group, key, value …) of the products of ``found``, in a single database query."""
        with self._compiler.connection.cursor() as cursor:
            cursor.execute(
                *compose(
                    "WITH similarity_found AS MATERIALIZED ({found}) "
                    'SELECT similarity_found."group", valued.* FROM ({valued}) AS valued(key) '
                    "JOIN similarity_found ON product_id = valued.key",
                    found=found,
                    valued=self._valued,
                )
            )
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def held(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[list[tuple[Any, set[str]]]]:
        """Yield for each annotation (value, groups of the products that have it), each value
        once."""
        fields = [column[0] for column in self._compiler.select]
        converters = self._compiler.get_converters(fields)
        columns = list(zip(*rows, strict=True)) or [()] * (1 + len(fields))
        for at in range(1, len(fields)):
            held = [
                (self._converted(value, converters.get(at)), groups)
                for value, groups in _grouped(columns[1 + at], columns[0])
            ]
            yield [(value, groups) for value, groups in held if value is not None]

    def _converted(self, value: Any, converters: Any) -> Any:
        if converters:
            functions, expression = converters
            for convert in functions:
                value = convert(value, expression, self._compiler.connection)
        return value


def _grouped(values: Sequence[Any], groups: Sequence[str]) -> list[tuple[Any, set[str]]]:
    """Return (value, the groups that have it), each value once."""
    held: defaultdict[Any, set[str]] = defaultdict(set)
    try:
        for value, group in zip(values, groups, strict=True):
            held[value].add(group)
    except TypeError:  # an array is not hashable
        named = {repr(value): value for value in values}
        return [(named[name], some) for name, some in _grouped([*map(repr, values)], groups)]
    return list(held.items())
