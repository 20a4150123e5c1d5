"""Candidates by vector: the choice of a plan, and the statistics of filters behind it.

The plan is chosen here and not left to PostgreSQL's planner. For a query far from its filter HNSW
with relaxed iterative scan has a recall of 0.1 to 0.2, and the planner's own choice often returns
fewer rows than exist. If few rows pass, every passing row is compared. If many pass, the nearest
cells with passing rows are scanned. A version without cells uses HNSW, if the query lies among the
passing rows. If a plan returns too few rows, every passing row is compared after all.
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
from similarity.models import EncoderVersion
from similarity.models.cells import sample_table
from similarity.models.stored_vectors import FloatArray
from similarity.models.vectors import index_name
from similarity.similar import plans, trace
from similarity.similar.hits import Candidate
from similarity.similar.planner_settings import fetch_under
from similarity.similar.plans import VectorSearch
from similarity.similar.within import Fragment, Within, compose, parameter

logger = logging.getLogger(__name__)

#: Seconds for which a filter's statistics are reused.
KEPT_S = 60.0
#: Filters that a process remembers; the filter unused for longest is dropped first.
REMEMBERED = 1024
#: Most milliseconds to measure a filter.
MOST_MS = 500
#: Cost of a row in microseconds, at 256 to 512 dimensions (see docs/retrieval.md): a look-up by
#: key with comparison; a visit through HNSW; a comparison of its sketch in a cell; there also a
#: test of the filter, and the vector of a passing row.
EXACT_US, HNSW_US, CELL_US, FILTER_US, VECTOR_US = 3.0, 27.0, 0.15, 4.0, 3.0
#: Rows of the sample that must pass before a filter's statistics are used.
FEW_HITS = 8
#: A filter with this many passing rows or fewer is scanned exactly.
EXACT_LIMIT = 20_000

_SETTINGS = {"jit": "off", "statement_timeout": str(MOST_MS)}


class FilterStatistics(NamedTuple):
    """``hits`` of the sample's rows pass; ``share`` (0 to 1) of all, ``rates`` (G,) by category."""

    hits: int
    share: float
    rates: FloatArray


class Step(NamedTuple):
    """A plan to try: its name, the reason for it, and its function."""

    plan: str
    because: str
    run: Callable[[VectorSearch, int], list[Candidate]]


class Outlook(NamedTuple):
    """The facts that decide the choice of a plan."""

    #: Rows that pass, counted up to EXACT_LIMIT + 1.
    passing: int
    #: True if the product searched from passes the filter itself.
    source_passes: bool
    #: Rows in the version's index over the column; None without a valid index.
    indexed: int | None

    def few(self, rows: int) -> bool:
        """Return True if comparing every passing row is cheapest, or the only correct way.

        To find ``rows``, HNSW visits rows × indexed ÷ passing. If the product itself does not pass,
        a few hundred rows around it are tried first, perhaps in vain.
        """
        limit = EXACT_LIMIT
        if self.indexed and self.indexed > 0:
            cheaper = math.isqrt(int(HNSW_US / EXACT_US) * rows * self.indexed)
            if not self.source_passes:
                cheaper = max(cheaper, int(HNSW_US / EXACT_US) * plans.NEARBY_ROWS)
            limit = min(limit, cheaper)
        return bool(self.passing <= limit)


_known: "OrderedDict[tuple[Any, ...], tuple[float, FilterStatistics]]" = OrderedDict()
_lock = Lock()


def statistics(within: Within, cells: StandingCells) -> FilterStatistics:
    """Return which share of rows the filter lets pass, at most :data:`KEPT_S` old."""
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
    """Forget all statistics, so that every filter is measured again."""
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
            "A filter takes more than %d ms for %d products, so it is not measured, and half of "
            "the products are assumed to pass: an index for this filter helps. %s",
            *(MOST_MS, cells.sampled.sum(), passes.sql[:500]),
        )
        half = np.full(len(cells.sampled), 0.5, dtype=np.float32)
        return FilterStatistics(int(cells.sampled.sum()) // 2, 0.5, half)
    hits = np.array(rows[0][0] or [], dtype=np.int64)
    share = len(hits) / max(1.0, float(cells.sampled.sum()))
    passing = np.bincount(cells.groups[hits], minlength=len(cells.sampled))
    return FilterStatistics(len(hits), share, _rates(passing, cells.sampled))


def _rates(passing: Any, sampled: FloatArray) -> FloatArray:
    """Return (G,) the passing share of each category, from ``passing`` of its ``sampled`` rows.

    Some tens of sampled rows are a weak estimate for one category. The difference of categories
    beyond chance (the beta-binomial's intraclass correlation, by moments) decides how much weight
    it gets: under a filter by price every category has the overall share, under a filter by
    category each has its own.
    """
    share = passing.sum() / max(float(sampled.sum()), 1.0)
    there = sampled > 0
    if not 0.0 < share < 1.0 or there.sum() < 2:
        return np.full(len(sampled), share, dtype=np.float32)
    expected = sampled[there] * share
    chi_square = float(((passing[there] - expected) ** 2 / (expected * (1.0 - share))).sum())
    excess = chi_square / (there.sum() - 1) - 1.0
    correlation = float(np.clip(excess / max(float(sampled[there].mean()) - 1.0, 1.0), 1e-3, 0.99))
    believed = 1.0 / correlation - 1.0  # the overall share counts as this many rows in each
    return ((passing + believed * share) / (sampled + believed)).astype(np.float32)


def nearest(search: VectorSearch, wanted: int, pool: int = 0) -> list[Candidate]:
    """Return the best candidate of each group, best first, ties in key order.

    At least ``wanted`` candidates if that many groups have passing rows, and about ``pool`` for a
    caller that re-ranks. Never a row of another version.
    """
    return one_per_group(rows(search, wanted, pool))


def rows(search: VectorSearch, wanted: int, pool: int = 0) -> list[Candidate]:
    """Return the same as :func:`nearest`, but with every variant found and in any order."""
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
    """Return the rows to ask for: twice ``wanted``, because variants of one group count once.

    Up to 50 rows cost hardly more than a few.
    """
    return max(pool, 2 * wanted + 26)


def run(step: Step, search: VectorSearch, size: int) -> list[Candidate]:
    """Return the rows a step finds, and measure the step."""
    with trace.answering(search.column, step.plan, step.because) as found:
        rows = step.run(search, size)
        found.extend(rows)
    return rows


def choose(search: VectorSearch, size: int, wanted: int) -> tuple[Step, ...]:
    """Return the plans to try, in turn while groups are missing; the last is exact."""
    if not search.within.per_row:
        return (Step("exact", "the queryset cannot be tested for one product", plans.exact),)
    short = Step("exact", "too few rows were found before", plans.exact)
    standing = probing.standing(search.version, search.within.using)
    if search.column == "fused" and standing is not None:
        return choose_cells(search, size, wanted, standing, short)
    if search.version.status == EncoderVersion.Status.ITEMS:  # it never has another index
        return (Step("exact", "a set without cells has no index", plans.exact_few),)
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
    """Choose the cheaper plan: every passing row, or the nearest cells with enough of them."""
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
    """Return the facts, by one query whose count stops when a higher count changes no choice."""
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
    """Return the best candidate of each group, by score and then key; NaN scores are left out."""
    ordered = sorted(
        (candidate for candidate in found if not math.isnan(candidate.score)),
        key=lambda candidate: (-candidate.score, candidate.key),
    )
    first: dict[str, Candidate] = {}
    for candidate in ordered:
        first.setdefault(candidate.group, candidate)
    return list(first.values())
