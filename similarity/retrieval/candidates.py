"""Candidates by vector, whichever plan brings them.

The choice of plan is made here and not left to the planner: a query far from its filter
gets 0.1 to 0.2 recall from HNSW with relaxed iterative scan, and the planner's own pick
leaves many such queries short of rows that exist. Few rows pass → every one is looked at;
many pass and the query lies among them → HNSW; the index comes up short → every passing
row after all. What "few" is follows from what a row costs in either plan.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from django.db import connections

from similarity import conf
from similarity.retrieval import plans
from similarity.retrieval.plans import Row, VectorSearch
from similarity.retrieval.scoring import score_of_distance
from similarity.retrieval.within import Fragment

Plan = Callable[[VectorSearch, int], list[Row]]


class Candidate(NamedTuple):
    """The best-scoring product of one group of variants."""

    key: Any
    group: str
    score: float


#: What visiting a row through HNSW costs, in rows scanned exactly (30 µs against 3 at 512
#: dimensions, see docs/retrieval.md).
HNSW_ROW_COST = 9


class Outlook(NamedTuple):
    """What the choice of plan goes by."""

    #: Rows that pass, counted up to one more than EXACT_LIMIT.
    passing: int
    #: Whether the product searched from passes the filter itself.
    source_passes: bool
    #: Rows in the version's index over the column; None where none stands and is valid.
    indexed: int | None

    def few(self, rows: int) -> bool:
        """Whether looking at every passing row is cheapest, or the one way that is right.

        To bring ``rows``, HNSW visits rows × indexed ÷ passing. Where the product itself
        does not pass, a few hundred rows around it are tried first, and may be in vain.
        """
        limit = conf.get("EXACT_LIMIT")
        if self.indexed and self.indexed > 0:
            cheaper = math.isqrt(HNSW_ROW_COST * rows * self.indexed)
            if not self.source_passes:
                cheaper = max(cheaper, HNSW_ROW_COST * plans.NEARBY_ROWS)
            limit = min(limit, cheaper)
        return bool(self.passing <= limit)


def nearest(search: VectorSearch, wanted: int, pool: int = 0) -> list[Candidate]:
    """The best candidate of each group, best first, ties in key order.

    At least ``wanted`` of them wherever that many groups have passing rows, and about
    ``pool`` where a caller re-ranks what it gets. Never a row of another version.
    """
    return one_per_group(scored(rows(search, wanted, pool), search.metric))


def rows(search: VectorSearch, wanted: int, pool: int = 0) -> list[Row]:
    """As :func:`nearest`, with every variant that was met, in no particular order."""
    if search.within.keys is None:
        return []
    # Twice as many rows, for variants of one group count once.
    size = max(pool, 2 * wanted + 8)
    found: list[Row] = []
    for plan in choose(search, size):
        found = plan(search, size)
        if len(groups(found)) >= wanted:
            return found
    # Full, and yet too few groups: the nearest rows are variants of too few products.
    return plans.exact_per_group(search, size) if len(found) == size else found


def choose(search: VectorSearch, size: int) -> tuple[Plan, ...]:
    """The plans to try, one after the other while groups are wanting; the last is exact."""
    if not search.within.per_row:
        return (plans.exact,)
    seen = outlook(search)
    if seen.indexed is None or seen.few(size):
        return (plans.exact,)
    return (plans.hnsw if seen.source_passes else plans.hnsw_nearby, plans.exact)


def outlook(search: VectorSearch) -> Outlook:
    """One query; the count stops where the answer no longer depends on it."""
    within, most = search.within, conf.get("EXACT_LIMIT") + 1
    keys = within.keys
    if keys is None:
        return Outlook(passing=0, source_passes=False, indexed=None)
    source = Fragment("FALSE")
    if search.source is not None:
        source = within.passes(search.source)
    with connections[within.using].cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM "  # noqa: S608 - compiled by Django, parameters apart
            f"(SELECT 1 FROM ({keys.sql}) AS every LIMIT %s) AS counted), {source.sql}, "
            "(SELECT reltuples FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid "
            "WHERE pg_class.oid = to_regclass(%s) AND indisvalid)",
            (*keys.params, most, *source.params, index_name(search)),
        )
        passing, source_passes, indexed = cursor.fetchone()
    return Outlook(passing, source_passes, None if indexed is None else int(indexed))


def index_name(search: VectorSearch) -> str:
    """As ``similarity.indexing.indexes`` names it, which this room may not import."""
    return f"similarity_v{search.version.pk}_{search.column}"


def groups(found: Iterable[Row]) -> set[str]:
    return {row.group for row in found if not math.isnan(row.distance)}


def scored(found: Iterable[Row], metric: str) -> list[Candidate]:
    """A row whose vector is zero has no distance (NaN) and is left out."""
    return [
        Candidate(row.key, row.group, score_of_distance(metric, row.distance))
        for row in found
        if not math.isnan(row.distance)
    ]


def one_per_group(found: Iterable[Candidate]) -> list[Candidate]:
    """The best of each group, by score and then key; a score that is NaN is left out."""
    ordered = sorted(
        (candidate for candidate in found if not math.isnan(candidate.score)),
        key=lambda candidate: (-candidate.score, candidate.key),
    )
    first: dict[str, Candidate] = {}
    for candidate in ordered:
        first.setdefault(candidate.group, candidate)
    return list(first.values())
