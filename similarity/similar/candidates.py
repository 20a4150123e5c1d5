"""Candidates by vector, whichever plan brings them.

The choice of plan is made here and not left to the planner: a query far from its filter
gets 0.1 to 0.2 recall from HNSW with relaxed iterative scan, and the planner's own pick
leaves many such queries short of rows that exist. Few rows pass → every one is looked at.
Many pass → the nearest cells in which they lie, where the version has cells; else HNSW where
the query lies among them. What comes up short → every passing row after all.
"""

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import partial
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from django.db import OperationalError, connections
from psycopg.errors import QueryCanceled
from psycopg.sql import Identifier

from similarity.cells import probing
from similarity.cells.probing import StandingCells
from similarity.models.cells import sample_table
from similarity.models.stored_vectors import FloatArray
from similarity.models.vectors import index_name
from similarity.similar import plans, trace
from similarity.similar.hits import Candidate
from similarity.similar.planner_settings import fetch_under
from similarity.similar.plans import VectorSearch
from similarity.similar.within import Fragment, Within, compose, parameter

logger = logging.getLogger(__name__)


#: Seconds for which a filter is judged as it was.
KEPT_S = 60.0
#: Filters a process remembers; the one unused for longest goes first.
REMEMBERED = 1024
#: Longest that judging a filter may take.
MOST_MS = 500
_SETTINGS = {"jit": "off", "statement_timeout": str(MOST_MS)}


class FilterStatistics(NamedTuple):
    """``hits`` of the sample's rows pass; ``share`` (0 to 1) of all, ``rates`` (G,) by category."""

    hits: int
    share: float
    rates: FloatArray


_known: "OrderedDict[tuple[Any, ...], tuple[float, FilterStatistics]]" = OrderedDict()
_lock = Lock()


def statistics(within: Within, cells: StandingCells) -> FilterStatistics:
    """What the filter lets through, as of the last minute."""
    passes = within.passes_candidate
    key = (within.using, cells.number, passes.sql, repr(passes.params))
    now = time.monotonic()
    with _lock:
        kept = _known.get(key)
        if kept and kept[0] > now:
            _known.move_to_end(key)
            return kept[1]
    found = _measure(within, cells)
    with _lock:
        _known[key] = (now + KEPT_S, found)
        while len(_known) > REMEMBERED:
            _known.popitem(last=False)
    return found


def forget() -> None:
    """Judge every filter anew."""
    with _lock:
        _known.clear()


def _measure(within: Within, cells: StandingCells) -> FilterStatistics:
    passes = within.passes_candidate
    query = compose(
        "SELECT array_agg(similarity_candidate.cell) FROM {sample} AS similarity_candidate "
        "WHERE {passes}",
        sample=Identifier(sample_table(cells.number)),
        passes=passes,
    )
    try:
        rows = fetch_under(within.using, _SETTINGS, query.sql, query.params)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        logger.warning(
            "A filter takes more than %d ms for %d products, so it is not judged and taken to let "
            "half of them through: an index that serves it helps. %s",
            *(MOST_MS, cells.sampled.sum(), passes.sql[:500]),
        )
        half = np.full(len(cells.sampled), 0.5, dtype=np.float32)
        return FilterStatistics(int(cells.sampled.sum()) // 2, 0.5, half)
    hits = np.array(rows[0][0] or [], dtype=np.int64)
    share = len(hits) / max(1.0, float(cells.sampled.sum()))
    passing = np.bincount(cells.groups[hits], minlength=len(cells.sampled))
    return FilterStatistics(len(hits), share, _rates(passing, cells.sampled))


def _rates(passing: Any, sampled: FloatArray) -> FloatArray:
    """(G,) share that passes of each category, of ``passing`` in ``sampled`` rows of each.

    Some tens of sampled rows say little of a category by itself. How far the categories differ
    beyond chance says how much to believe them (the beta-binomial's intraclass correlation, by
    moments): where a price is asked for all have the share of the whole, where a category is,
    each has its own.
    """
    share = passing.sum() / max(float(sampled.sum()), 1.0)
    there = sampled > 0
    if not 0.0 < share < 1.0 or there.sum() < 2:
        return np.full(len(sampled), share, dtype=np.float32)
    expected = sampled[there] * share
    chi_square = float(((passing[there] - expected) ** 2 / (expected * (1.0 - share))).sum())
    excess = chi_square / (there.sum() - 1) - 1.0
    correlation = float(np.clip(excess / max(float(sampled[there].mean()) - 1.0, 1.0), 1e-3, 0.99))
    believed = 1.0 / correlation - 1.0  # as if so many rows of the whole had been seen in each
    return ((passing + believed * share) / (sampled + believed)).astype(np.float32)


class Step(NamedTuple):
    """A plan to try: its name, why it was chosen, and how it is run."""

    plan: str
    because: str
    run: Callable[[VectorSearch, int], list[Candidate]]


#: What a row costs in microseconds, at 256 to 512 dimensions (see docs/retrieval.md): looked
#: up by its key and compared, visited through HNSW, compared by its sketch in a cell; a test of
#: the filter there, and the vector of one that passed.
EXACT_US, HNSW_US, CELL_US, FILTER_US, VECTOR_US = 3.0, 27.0, 0.15, 4.0, 3.0
#: Rows of a filter's sample that must pass before its statistics are believed.
FEW_HITS = 8
#: A filter that leaves this many rows or fewer is scanned exactly.
EXACT_LIMIT = 20_000


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
        limit = EXACT_LIMIT
        if self.indexed and self.indexed > 0:
            cheaper = math.isqrt(int(HNSW_US / EXACT_US) * rows * self.indexed)
            if not self.source_passes:
                cheaper = max(cheaper, int(HNSW_US / EXACT_US) * plans.NEARBY_ROWS)
            limit = min(limit, cheaper)
        return bool(self.passing <= limit)


def nearest(search: VectorSearch, wanted: int, pool: int = 0) -> list[Candidate]:
    """The best candidate of each group, best first, ties in key order.

    At least ``wanted`` of them wherever that many groups have passing rows, and about
    ``pool`` where a caller re-ranks what it gets. Never a row of another version.
    """
    return one_per_group(rows(search, wanted, pool))


def rows(search: VectorSearch, wanted: int, pool: int = 0) -> list[Candidate]:
    """As :func:`nearest`, with every variant that was met, in no particular order."""
    if search.within.keys is None:
        return []
    size = row_count(wanted, pool)
    found: list[Candidate] = []
    for step in choose(search, size, max(pool, wanted)):
        found = run(step, search, size)
        if len({one.group for one in found}) >= wanted:
            return found
    if len(found) < size:
        return found
    because = f"the nearest {size} rows are variants of too few products"
    return run(Step("exact per group", because, plans.exact_per_group), search, size)


def row_count(wanted: int, pool: int = 0) -> int:
    """How many rows are asked for: twice as many, because variants of one group count once.

    Up to 50 cost no more than a few.
    """
    return max(pool, 2 * wanted + 26)


def run(step: Step, search: VectorSearch, size: int) -> list[Candidate]:
    """The rows a step brings, measured."""
    with trace.answering(search.column, step.plan, step.because) as found:
        rows = step.run(search, size)
        found.extend(rows)
    return rows


def choose(search: VectorSearch, size: int, wanted: int) -> tuple[Step, ...]:
    """The plans to try, one after the other while groups are wanting; the last is exact."""
    if not search.within.per_row:
        return (Step("exact", "the queryset cannot be tested for one product", plans.exact),)
    short = Step("exact", "too few rows were found before", plans.exact)
    standing = probing.standing(search.version, search.within.using)
    if search.column == "fused" and standing is not None:
        return choose_cells(search, size, wanted, standing, short)
    seen = outlook(search)
    if seen.indexed is None:
        return (Step("exact", f"no valid index on {search.column}", plans.exact),)
    if seen.few(size):
        return (Step("exact", f"{seen.passing} rows pass", plans.exact_few),)
    passing = f"{seen.passing} rows or more pass, the product among them"
    if seen.source_passes:
        return (Step("hnsw", passing, plans.hnsw), short)
    passing = f"{seen.passing} rows or more pass, the product not among them"
    return (Step("hnsw nearby", passing, plans.hnsw_nearby), short)


def choose_cells(
    search: VectorSearch, size: int, wanted: int, standing: probing.StandingCells, short: Step
) -> tuple[Step, ...]:
    """Whichever is cheaper: every passing row, or the nearest cells that hold enough of them."""
    known = statistics(search.within, standing)
    passing = known.share * standing.rows
    if known.hits < FEW_HITS:
        return (Step("exact", f"about {passing:.0f} rows pass", plans.exact_few),)
    chosen = probing.choose(standing, search.vector, known.rates, wanted)
    tested = min(chosen.tested, chosen.rows)
    figures = (
        f"about {passing:.0f} rows pass, {'far from' if chosen.far else 'around'} the query "
        f"{chosen.share:.1%}; {len(chosen.cells)} cells of {chosen.rows} rows"
    )
    sketched = plans.Sketched(standing.number, standing.sketch(search.vector), chosen.depth)
    cost = chosen.rows * CELL_US + tested * FILTER_US + chosen.depth * VECTOR_US
    if passing * EXACT_US <= cost:
        return (Step("exact", figures, plans.exact_few),)
    scan = partial(plans.cells, sketched=sketched, chosen=chosen.cells)
    if tested >= chosen.rows:
        return (Step("cells", figures, scan), short)
    first = Step("cells", f"{figures}, the nearest {tested}", partial(scan, tested=tested))
    return (first, Step("cells", f"{figures}, all of them", scan), short)


def outlook(search: VectorSearch) -> Outlook:
    """One query; the count stops where the answer no longer depends on it."""
    within, most = search.within, EXACT_LIMIT + 1
    keys = within.keys
    if keys is None:
        return Outlook(passing=0, source_passes=False, indexed=None)
    source = Fragment("FALSE")
    if search.source is not None:
        source = within.passes(search.source)
    with connections[within.using].cursor() as cursor:
        cursor.execute(
            *compose(
                "SELECT (SELECT count(*) FROM (SELECT 1 FROM ({keys}) AS every LIMIT {most}) "
                "AS counted), {source}, "
                "(SELECT reltuples FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid "
                "WHERE pg_class.oid = to_regclass({index}) AND indisvalid)",
                keys=keys,
                most=parameter(most),
                source=source,
                index=parameter(index_name(search.version, search.column)),
            )
        )
        passing, source_passes, indexed = cursor.fetchone()
    return Outlook(passing, source_passes, None if indexed is None else int(indexed))


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
