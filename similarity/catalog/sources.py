"""Sources of ``CATALOG`` values: a path, and a rule for several values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    CharField,
    F,
    JSONField,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import Cast, Coalesce, NullIf

from similarity.catalog.content import LEVEL
from similarity.catalog.paths import Path, fields_of
from similarity.exceptions import ConfigurationError

#: Values that a path to several values gives: the first row's, the lowest, the highest, all.
RULES = ("first", "min", "max", "all")

_VALUE = "similarity_source"


@dataclass(frozen=True)
class Source:
    """A path with its rule.

    ``where`` chooses rows of the path's last to-many relation: it maps a path from there to the
    required value, or to a list of accepted values. ``is_named`` is False if the host wrote the
    path alone, so that the rule is a guess.
    """

    path: Path
    rule: str = "all"
    where: Mapping[str, Any] = field(default_factory=dict)
    is_named: bool = False

    def read(self, product: Model) -> list[Any]:
        """Return the values of ``product`` that the rule admits; an empty list without values."""
        values = [value for value in each_value(self._every(product)) if value not in (None, "")]
        if not values or self.rule == "all":
            return values
        if self.rule == "first":
            return values[:1]
        return [(min if self.rule == "min" else max)(values, key=_amount)]

    def _every(self, product: Model) -> Iterator[Any]:
        if not self.where:
            yield from self.path.values(product)
            return
        to_rows, on_row = self.path.split(type(product))
        for row in to_rows.values(product):
            if all(_meets(row, path, wanted) for path, wanted in self.where.items()):
                yield from on_row.values(row)

    def conditions(self, model: type[Model]) -> list[Path]:
        """Return the paths of ``where``, from the product model."""
        rows, _on_row = self.path.split(model)
        return [Path("__".join([*rows.names, path])) for path in self.where]

    def is_several(self, model: type[Model]) -> bool:
        """Return True if a product may have several values at the path."""
        return self.path.leads_to_many(model)

    def expression(self, model: type[Model], *, every: bool = False) -> Any:
        """Return the value as SQL; an array with ``every``, or if the rule takes all of several.

        None if the path goes over a property or ends at a relation, because only Python can read
        those.
        """
        lookup = self._lookup(model)
        if lookup is None or not self.is_several(model):
            return None if lookup is None else F(lookup)
        rows = self._rows(model, lookup).filter(pk=OuterRef("pk"))
        if every or self.rule == "all":
            return ArraySubquery(rows.order_by(*self.path.order(model)).values(lookup))
        order = {"first": self.path.order(model), "min": [lookup], "max": [f"-{lookup}"]}
        return Subquery(rows.order_by(*order[self.rule]).values(lookup)[:1])

    def matches(self, model: type[Model], values: Sequence[str], *, levels: bool) -> Q | None:
        """Return a condition for products with one of ``values``; ``levels`` adds the levels below.

        None if :meth:`expression` returns None.
        """
        lookup = self._lookup(model)
        if lookup is None:
            return None
        condition = _one_of(self._field(model), lookup, values, levels)
        if not self.is_several(model):
            return condition
        if self.rule == "all" or levels:  # in each of its categories
            rows = self._rows(model, lookup).filter(condition)
            return Q(pk__in=rows.order_by().values("pk"))
        return _holding(model, self.expression(model), self._field(model), values, levels)

    def _lookup(self, model: type[Model]) -> str | None:
        lookup = self.path.lookup(model)
        return None if lookup is None or _is_relation(model, lookup) else lookup

    def _field(self, model: type[Model]) -> Any:
        return fields_of(model, self.path.names)[-1]

    def _rows(self, model: type[Model], lookup: str) -> QuerySet[Any]:
        """Return a row for each value that ``where`` admits: both conditions hold on one row."""
        # Avoid exclude(), because it would leave the product out if any row is empty.
        told = "__gt" if _is_text(self._field(model)) else "__isnull"
        met: dict[str, Any] = {lookup + told: "" if told == "__gt" else False}
        for path, wanted in zip(self.conditions(model), self.where.values(), strict=True):
            named = path.lookup(model) or path.path
            met |= {f"{named}__in": wanted} if _is_list(wanted) else {named: wanted}
        return model._base_manager.filter(**met)


def parse(value: Any, *, rule: str) -> list[Source]:
    """Return the sources of one entry of ``CATALOG``, with ``rule`` if the host names no rule.

    ``value`` is a path, ``{"first": path}`` with or without ``"where"``, or a list of these. The
    first entry of a list that has a value counts. Raises :class:`ConfigurationError` for other
    values.
    """
    values = value if isinstance(value, list | tuple) else [value]
    if not values:
        raise ConfigurationError("is an empty list; name a path.")
    return [_parse(one, rule) for one in values]


def _parse(value: Any, rule: str) -> Source:
    if isinstance(value, str) and value:
        return Source(Path(value), rule)
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"is {value!r}; it must be a path such as 'brand__name'.")
    where = value.get("where", {})
    named = {key: path for key, path in value.items() if key in (*RULES, "path")}
    unknown = [key for key in value if key not in (*RULES, "path", "where")]
    if len(named) != 1 or unknown or not isinstance(where, Mapping):
        raise ConfigurationError(
            f"is {value!r}; name one path under one of {', '.join(RULES)}, and rows under 'where' "
            "if you like: {'first': 'records__price', 'where': {'shop__code': 'main'}}."
        )
    [(key, path)] = named.items()
    if not isinstance(path, str) or not path:
        raise ConfigurationError(f"has {key!r}: {path!r}; it must be a path.")
    chosen = rule if key == "path" else key
    return Source(Path(path), chosen, dict(where), is_named=key != "path")


def read_first(sources: Iterable[Source], product: Model) -> list[Any]:
    """Return the values of the first source that has any."""
    return next(filter(None, (source.read(product) for source in sources)), [])


def each_value(values: Iterable[Any]) -> list[Any]:
    """Return the values, with each list replaced by its items."""
    every = (value if _is_list(value) else [value] for value in values)
    return [one for some in every for one in some]


def first_value(model: type[Model], sources: Sequence[Source]) -> Any:
    """Return the value of the first source that has any, as SQL; None if SQL cannot express it."""
    if len(sources) == 1:
        return sources[0].expression(model)
    found = [source.expression(model) for source in sources]
    if not found or None in found or any(isinstance(one, ArraySubquery) for one in found):
        return None
    fields = [source._field(model) for source in sources]
    if not any(map(_is_text, fields)):
        return Coalesce(*found, output_field=fields[0])
    empty, text = Value(""), TextField()
    told = (NullIf(Cast(one, text), empty, output_field=text) for one in found)
    return Coalesce(*told, output_field=text)


def values_filter(
    model: type[Model], sources: Sequence[Source], name: str, values: Sequence[str]
) -> Q | None:
    """Return a condition for products with one of ``values``; None if SQL cannot express it."""
    levels = name == "category"
    if len(sources) == 1:
        return sources[0].matches(model, values, levels=levels)
    value = first_value(model, sources)
    if value is None:
        return None
    return _holding(model, value, sources[0]._field(model), values, levels)


def _holding(model: type[Model], value: Any, field: Any, values: Sequence[str], levels: bool) -> Q:
    rows = model._base_manager.annotate(**{_VALUE: value})
    condition = _one_of(field, _VALUE, values, levels)
    return Q(pk__in=rows.filter(condition).order_by().values("pk"))


def _meets(row: Any, path: str, wanted: Any) -> bool:
    """Return True if the row has the value, by the rules of ``QuerySet.filter``."""
    values = Path(path).values(row)
    return any(value in wanted if _is_list(wanted) else value == wanted for value in values)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | set)


def _is_text(field: Any) -> bool:
    return isinstance(field, CharField | TextField)


def _amount(value: Any) -> Any:
    """Return the number to compare a value by; for money its amount."""
    return getattr(value, "amount", value)


def _is_relation(model: type[Model], lookup: str) -> bool:
    """Return True if the lookup ends at a related object instead of one of its fields."""
    fields = fields_of(model, lookup.split("__"))
    return len(fields) == len(lookup.split("__")) and bool(fields[-1].is_relation)


def _one_of(field: Any, lookup: str, values: Sequence[str], levels: bool) -> Q:
    """Return a condition: ``lookup``, held by ``field``, equals one of the texts ``values``."""
    condition = Q(pk__in=())
    for value in values:
        if isinstance(field, JSONField):
            # @> also finds the value inside a list of values.
            for form in _json_forms(value):
                condition |= Q(**{f"{lookup}__contains": form})
        elif isinstance(field, BooleanField):
            condition |= Q(**{lookup: {"yes": True, "no": False}.get(value.lower(), value)})
        else:
            condition |= Q(**{lookup: value})
        if levels:
            condition |= Q(**{f"{lookup}__startswith": value + LEVEL})
    return condition


def _json_forms(value: str) -> list[Any]:
    """Return the JSON values a parameter may stand for: ``42`` is a text and a number."""
    forms: list[Any] = [value]
    if value in ("yes", "no", "true", "false"):
        forms.append(value in ("yes", "true"))
    try:
        number = float(value)
    except ValueError:
        return forms
    if number == number and abs(number) < 1e15:  # a NaN is not valid JSON
        forms.append(int(number) if number.is_integer() else number)
    return forms
