"""How many rows a filter lets through, and where: by a fixed sample, kept for a minute.

Counting what passes costs more than the query itself, and the planner's estimate knows
nothing of where the passing rows lie. So a few thousand products are tested one by one,
once a minute for each filter a process meets. Only the choice of plan goes by it: what is
shown has passed the filter itself, in the same query that found it.
"""

import time
from collections import OrderedDict
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from django.db import connections

from similarity.models.cells import sample_table
from similarity.retrieval.cells import StandingCells
from similarity.retrieval.session import savepoint
from similarity.retrieval.stored import FloatArray
from similarity.retrieval.within import CANDIDATE, Within

#: Seconds for which a filter is judged as it was.
KEPT_S = 60.0
#: Filters a process remembers; the one unused for longest goes first.
REMEMBERED = 1024
#: Sampled rows below which a category is judged by the whole as well.
FEW_SAMPLED = 4.0


class FilterStatistics(NamedTuple):
    """``hits`` of the sample's rows pass; ``share`` (0 to 1) of all, ``rates`` (G,) by category."""

    hits: int
    share: float
    rates: FloatArray


_known: "OrderedDict[tuple[Any, ...], tuple[float, FilterStatistics]]" = OrderedDict()
_lock = Lock()


def statistics(within: Within, cells: StandingCells) -> FilterStatistics:
    """What the filter lets through, as of the last minute."""
    passes = within.passes_candidate()
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
    passes = within.passes_candidate()
    with savepoint(within.using), connections[within.using].cursor() as cursor:
        cursor.execute(
            f"SELECT array_agg({CANDIDATE}.cell) FROM {sample_table(cells.number)} "  # noqa: S608
            f"AS {CANDIDATE} WHERE {passes.sql}",
            passes.params,
        )
        hits = np.array(cursor.fetchone()[0] or [], dtype=np.int64)
    share = len(hits) / max(1.0, float(cells.sampled.sum()))
    passing = np.bincount(cells.groups[hits], minlength=len(cells.sampled))
    # A category with next to no sampled rows is given the share of all.
    weight = np.maximum(FEW_SAMPLED - cells.sampled, 0.0)
    rates = (passing + weight * share) / np.maximum(cells.sampled + weight, 1.0)
    return FilterStatistics(len(hits), share, rates.astype(np.float32))
