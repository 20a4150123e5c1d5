"""How many rows a filter lets through, and where: by a fixed sample, kept for a minute.

Counting what passes costs more than the query itself, and the planner's estimate knows
nothing of where the passing rows lie. So a few thousand products are tested one by one,
once a minute for each filter a process meets. Only the choice of plan goes by it: what is
shown has passed the filter itself, in the same query that found it.
"""

import logging
import time
from collections import OrderedDict
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from django.db import OperationalError
from psycopg.errors import QueryCanceled

from similarity.cells.probing import StandingCells
from similarity.models.cells import sample_table
from similarity.similar.planner_settings import fetch_under
from similarity.similar.stored import FloatArray
from similarity.similar.within import CANDIDATE, Within

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
    sql = (
        f"SELECT array_agg({CANDIDATE}.cell) FROM {sample_table(cells.number)} "  # noqa: S608
        f"AS {CANDIDATE} WHERE {passes.sql}"
    )
    try:
        rows = fetch_under(within.using, _SETTINGS, sql, passes.params)
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
