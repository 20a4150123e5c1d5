"""The matches of a query as SQL, to be counted or sorted, whole or by a share of them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from psycopg.sql import SQL, Literal

from similarity.models.vectors import key_type
from similarity.search import lexical, sampling
from similarity.search.lexical import LexicalQuery
from similarity.search.models import SearchDocument
from similarity.search.models.documents import SHARES
from similarity.similar.within import CANDIDATE, Fragment, Within, compose, database_keys

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


#: The most products that are read to be counted.
COUNTED = 3_000


@dataclass(frozen=True)
class ResultSet:
    """The matches of the words, and ``others`` found by their code."""

    query: LexicalQuery
    mode: str
    others: Sequence[Any] = ()
    #: About how many products match, if known.
    many: int = 0

    def read(self, columns: Columns, within: Within) -> tuple[Sequence[tuple[Any, ...]], int]:
        """Return (rows of :meth:`Columns.read` within ``within``, or 1 in ``share`` of them;
        share)."""
        shares = [one for one in (1, *SHARES) if self.many <= one * COUNTED] or SHARES[-1:]
        for share in shares:
            rows = columns.read(self.among(within, share))
            if len({key for _group, key, *_values in rows}) <= COUNTED:
                break
        return rows, share

    def among(self, within: Within, share: int) -> Fragment:
        """Return ``SELECT product_id, "group"`` of 1 in ``share`` of the matches in ``within``.

        If these are more than COUNTED, the query returns only a little more than COUNTED.
        """
        narrow = share == 1 and self.query.most(self.mode) > lexical.SCORED
        passes = sampling.among(within) if narrow else sampling.passing(within)
        matching = self.query.matching(self.mode)
        conditions = [matching] if matching else []
        if self.others:
            kind, keys = key_type(within.using), database_keys(self.others, within.using)
            conditions.append(Fragment(f"{CANDIDATE}.product_id = ANY(%s::{kind}[])", (keys,)))
        each = [
            compose(
                '(SELECT similarity_candidate.product_id, similarity_candidate."group" '
                "FROM similarity_searchdocument AS similarity_candidate "
                "WHERE {condition} AND {drawn} AND {passes} LIMIT {most})",
                condition=condition,
                drawn=SQL(sampling.drawn(share)),
                passes=passes,
                most=Literal(COUNTED + 1),
            )
            for condition in conditions
        ]
        params = [param for one in each for param in one.params]
        return Fragment(" UNION ".join(one.sql for one in each), tuple(params))

    def keys(self, using: str) -> Fragment:
        """Return ``SELECT key`` of all matches, regardless of filters."""
        kind = key_type(using)
        others = Fragment(f"SELECT unnest(%s::{kind}[])", (database_keys(self.others, using),))
        matching = self.query.matching(self.mode)
        if matching is None:
            return others
        return compose(
            "{others} UNION ALL SELECT product_id "
            "FROM similarity_searchdocument AS similarity_candidate WHERE {matching}",
            others=others,
            matching=matching,
        )


def found_products(within: Within, matches: Fragment) -> QuerySet[Any]:
    """Return the host's found products, with their variants' group as ``similarity_group``."""
    group = SearchDocument.objects.filter(product=OuterRef("pk")).values("group")[:1]
    products = within.narrowed().filter(pk__in=RawSQL(*matches))  # noqa: S611 - ours
    return products.annotate(similarity_group=Subquery(group))
