"""The plans of a vector query: an exact scan, cells, or the version's HNSW index.

A plan takes a search and the number of rows wanted, and returns candidates, nearest first.
Another plan is another function of this kind, named in ``candidates``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import ProgrammingError
from psycopg.errors import UndefinedTable
from psycopg.sql import SQL, Identifier, Literal

from similarity.models import EncoderVersion, ProductVectors
from similarity.models.cells import rows_table
from similarity.models.stored_vectors import FloatArray, vector_literal
from similarity.similar.hits import Candidate
from similarity.similar.planner_settings import fetch_under, savepoint
from similarity.similar.scoring import score_of_distance
from similarity.similar.within import (
    CANDIDATE,
    Fragment,
    Within,
    compose,
    database_keys,
    key_order,
    parameter,
    sortable_key,
)

TABLE = ProductVectors._meta.db_table

#: metric → pgvector's operator; ``<#>`` is the negative inner product.
OPERATORS = {"cosine": "<=>", "dot": "<#>", "l2": "<->"}

#: Rows after which an HNSW scan stops; beyond that an exact scan is no slower.
MAX_SCAN_TUPLES = 40_000
MAX_EF_SEARCH = 1000  # pgvector's own limit
#: Rows around a query from outside its filter that are tried before an exact scan.
NEARBY_ROWS = 400


@dataclass(frozen=True)
class VectorSearch:
    """A search for products of ``version`` nearest to ``vector`` in ``column``, among ``within``.

    ``vector``: float32 (D,), with the D of the version's column. ``source`` is the key of the
    product it belongs to; None for other vectors. Products of ``exclude`` (keys of the model's
    own type) and of ``exclude_groups`` are left out.
    """

    version: EncoderVersion
    column: str
    vector: FloatArray
    within: Within
    metric: str = "cosine"
    source: Any = None
    exclude: Sequence[Any] = ()
    exclude_groups: Sequence[str] = ()

    @property
    def distance(self) -> Fragment:
        """The distance, without the cast to halfvec(D), so that no index matches the expression."""
        operator = OPERATORS[self.metric]
        return Fragment(
            f"{CANDIDATE}.{self.column} {operator} %s::halfvec", (vector_literal(self.vector),)
        )

    def where(self, passes: Fragment) -> Fragment:
        """Return ``passes`` and every other condition on a row."""
        # The version is part of the SQL itself, so that the planner can prove that this
        # version's partial index applies.
        sql = f"{CANDIDATE}.version_id = {int(self.version.pk)} AND {passes.sql}"
        if self.column != "fused":
            sql += f" AND {CANDIDATE}.{self.column} IS NOT NULL"
        others = self.others()
        return Fragment(f"{others.sql}{sql}", (*others.params, *passes.params))

    def others(self) -> Fragment:
        """Return the conditions of ``exclude`` and ``exclude_groups``, each followed by AND."""
        sql = ""
        params: tuple[Any, ...] = ()
        if self.exclude:
            sql += f"{CANDIDATE}.product_id <> ALL(%s) AND "
            params += (database_keys(self.exclude, self.within.using),)
        if self.exclude_groups:
            sql += f'{CANDIDATE}."group" <> ALL(%s) AND '
            params += (list(self.exclude_groups),)
        return Fragment(sql, params)


def exact(search: VectorSearch, rows: int) -> list[Candidate]:
    """Return the nearest ``rows``, after comparing every passing row."""
    return _run(exact_query(search, rows), search, {"jit": "off"})


def exact_few(search: VectorSearch, rows: int) -> list[Candidate]:
    """Return the same as :func:`exact`; faster if few rows pass, by look-ups in key order.

    A join would visit them in the order of the filter's index, from page to page of the table and
    back. From some thousands of rows on that takes two to three times as long.
    """
    return _run(
        exact_query(search, rows, "= ANY(ARRAY({keys}))"),
        search,
        {"jit": "off", "max_parallel_workers_per_gather": "0"},
    )


def exact_per_group(search: VectorSearch, rows: int) -> list[Candidate]:
    """Return the nearest row of each of the nearest ``rows`` groups, out of all passing rows."""
    query = compose(
        'SELECT * FROM (SELECT DISTINCT ON ("group") * FROM ({inner}) AS passing '
        'ORDER BY "group", distance, {key}) AS first ORDER BY distance, {key} LIMIT {rows}',
        inner=exact_query(search, None),
        key=sortable_key(),
        rows=parameter(rows),
    )
    return _run(query, search, {"jit": "off"})


def hnsw(search: VectorSearch, rows: int) -> list[Candidate]:
    """Return the nearest ``rows`` by the index, which is read until that many have passed.

    Correct if the query lies among the passing rows. Returns fewer rows if MAX_SCAN_TUPLES
    have been visited before.
    """
    return _run(
        hnsw_query(search, rows),
        search,
        {
            **_HNSW_SETTINGS,
            "hnsw.iterative_scan": "relaxed_order",
            "hnsw.ef_search": str(min(max(100, 2 * rows), MAX_EF_SEARCH)),
        },
    )


def hnsw_nearby(search: VectorSearch, rows: int) -> list[Candidate]:
    """Return those of the nearest few hundred rows that pass.

    If enough rows around the query pass, the answer is as good as the index; otherwise it is too
    short at once. A scan that continued far from the query would meet passing rows in an order
    that has little to do with their distance.
    """
    return _run(
        hnsw_query(search, rows),
        search,
        {
            **_HNSW_SETTINGS,
            "hnsw.iterative_scan": "off",
            "hnsw.ef_search": str(min(max(NEARBY_ROWS, 4 * rows), MAX_EF_SEARCH)),
        },
    )


@dataclass(frozen=True)
class Sketched:
    """The set of cells ``number``, and the query's own ``sketch`` in it.

    Of the passing rows, the ``depth`` rows with the nearest sketches are compared exactly.
    """

    number: int
    sketch: str
    depth: int

    @property
    def nearness(self) -> Fragment:
        """The number of bits in which a row differs from the query."""
        return Fragment(f"sketch <~> %s::bit({len(self.sketch)})", (self.sketch,))


def cells(
    search: VectorSearch,
    rows: int,
    *,
    sketched: Sketched,
    chosen: Sequence[int],
    tested: int | None = None,
) -> list[Candidate]:
    """Return the nearest ``rows`` of the chosen cells, or of the nearest ``tested`` rows in them.

    Fewer if fewer of them pass, and an empty list if the cells have just been dropped.
    """
    query = cells_query(search, rows, sketched, chosen, tested)
    try:
        with savepoint(search.within.using):
            return _run(query, search, {})
    except ProgrammingError as error:
        if isinstance(error.__cause__, UndefinedTable):
            return []
        raise


#: Without sorting, the planner must use the index, because it gives the order.
_HNSW_SETTINGS = {
    "jit": "off",
    "enable_sort": "off",
    "enable_seqscan": "off",
    "hnsw.max_scan_tuples": str(MAX_SCAN_TUPLES),
    "hnsw.scan_mem_multiplier": "2",
}


def exact_query(search: VectorSearch, rows: int | None, among: str = "IN ({keys})") -> Fragment:
    keys = search.within.keys
    passes = Fragment("FALSE")
    if keys:
        passes = compose("similarity_candidate.product_id " + among, keys=keys)
    found = compose(_FOUND, distance=search.distance, where=search.where(passes))
    if rows is None:
        return found
    return compose(
        "{found} ORDER BY distance, {key} LIMIT {rows}",
        found=found,
        key=SQL(key_order("similarity_candidate.product_id")),
        rows=parameter(rows),
    )


_FOUND = """
    SELECT similarity_candidate.product_id, similarity_candidate."group", {distance} AS distance,
           similarity_candidate.category
    FROM similarity_productvectors AS similarity_candidate WHERE {where}
"""


def cells_query(
    search: VectorSearch, rows: int, sketched: Sketched, chosen: Sequence[int], tested: int | None
) -> Fragment:
    """Return the query: rows of the cells by nearness of sketch, tested until enough passed.

    Keeping the nearest ``tested`` is quicker than sorting all rows. Rows that passed are ordered
    by their stored vectors.
    """
    own = compose(
        "FROM similarity_productvectors AS own WHERE own.version_id = {version} "
        "AND own.product_id = passing.product_id",
        version=Literal(int(search.version.pk)),
    )
    near = compose(
        'SELECT product_id, "group", {nearness} AS nearness FROM {table} '
        "WHERE cell = ANY({chosen}::int[]) ORDER BY nearness {nearest}",
        nearness=sketched.nearness,
        table=Identifier(rows_table(sketched.number)),
        chosen=parameter(list(chosen)),
        nearest=SQL("OFFSET 0") if tested is None else SQL("LIMIT {}").format(int(tested)),
    )
    passing = compose(
        'SELECT similarity_candidate.product_id, similarity_candidate."group" '
        "FROM ({near}) AS similarity_candidate WHERE {others}{passes} LIMIT {depth}",
        near=near,
        others=search.others(),
        passes=search.within.passes_candidate,
        depth=parameter(sketched.depth),
    )
    nearest = compose(
        'SELECT product_id, "group", (SELECT {column} {operator} {vector}::halfvec {own}) '
        "AS distance FROM ({passing}) AS passing ORDER BY distance, {key} LIMIT {rows}",
        column=Identifier(search.column),
        operator=SQL(OPERATORS[search.metric]),
        vector=parameter(vector_literal(search.vector)),
        own=own,
        passing=passing,
        key=sortable_key(),
        rows=parameter(rows),
    )
    # Read the category only for the few remaining rows.
    return compose(
        "SELECT passing.*, (SELECT category {own}) FROM ({nearest}) AS passing "
        "ORDER BY distance, {key}",
        own=own,
        nearest=nearest,
        key=sortable_key(),
    )


def hnsw_query(search: VectorSearch, rows: int) -> Fragment:
    """Return the query, ordered by the index's own expression; rows come in relaxed order."""
    return compose(
        "{found} ORDER BY similarity_candidate.{column}::halfvec({dimension}) "
        "<=> {vector}::halfvec({dimension}) LIMIT {rows}",
        found=compose(
            _FOUND, distance=search.distance, where=search.where(search.within.passes_candidate)
        ),
        column=Identifier(search.column),
        dimension=Literal(int(search.version.dimensions[search.column])),
        vector=parameter(vector_literal(search.vector)),
        rows=parameter(rows),
    )


def _run(query: Fragment, search: VectorSearch, settings: dict[str, str]) -> list[Candidate]:
    rows = fetch_under(search.within.using, settings, query.sql, query.params)
    return [
        Candidate(key, group, score_of_distance(search.metric, distance), category)
        for key, group, distance, category in rows
        # None: its vectors were just deleted. NaN: the vector is zero.
        if distance is not None and not math.isnan(distance)
    ]
