"""Find items whose demand moves together, by lagged correlation of residuals of weekly sales.

Everything a shop sells rises before Christmas, so plain correlation links every item with every
other item. The common part is therefore removed first: each item's log sales are regressed on a
constant, a straight trend, the shop's own movement and, from two years on, the season of the year.
Only the residuals are compared. A correlation r of n pairs of weeks is tested by t = r·√(d ÷ (1 −
r²)) with d = n − 2 − p degrees of freedom, where p is the number of shared regressors. n is reduced
for series that drift (Bayley & Hammersley 1946: two series with autocorrelations a and b are worth
n·(1 − ab)/(1 + ab) independent weeks). The best of the lags counts as that many tests (Bonferroni).
Of all pairs, those are kept whose expected share of false pairs is at most ``false_share``
(Benjamini & Hochberg 1995). Fisher's z is faster and selects the lag; among millions of pairs, its
tail would accept two or three times too many.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.exceptions import DemandError
from similarity.planning.demand import WeeklySales
from similarity.planning.demand_residuals import (
    Residuals,
    autocorrelation,
    residuals,
    unit_rows,
)
from similarity.types import DoubleArray, Progress

MAX_LAG = 4
#: Below these limits, an item's weeks are mostly chance.
MIN_WEEKS = 20
MIN_UNITS = 30
#: Minimum weeks of overlap to test a correlation.
MIN_OVERLAP = 12
FALSE_SHARE = 0.05
#: Up to this number of items (mostly categories), each pair is compared with the movement of the
#: other items only.
FEW_ITEMS = 30
#: Two items to compare, and enough other items to show the shop's movement.
MIN_ITEMS = 8
#: Rows compared at once: block × items × lags doubles.
BLOCK = 256


@dataclass(frozen=True)
class LinkRule:
    """The conditions of a link."""

    max_lag: int = MAX_LAG
    min_weeks: int = MIN_WEEKS
    min_units: int = MIN_UNITS
    false_share: float = FALSE_SHARE

    def __post_init__(self) -> None:
        if not 0 <= self.max_lag <= 13:
            raise DemandError(f"max_lag is {self.max_lag}; choose 0 to 13 weeks.")
        if not 0 < self.false_share < 1:
            raise DemandError(f"false_share is {self.false_share}; choose between 0 and 1.")


class Link(NamedTuple):
    """A link: ``follower`` moves with ``leader``, ``lag`` weeks after it (0: the same week)."""

    leader: str
    follower: str
    lag: int
    correlation: float
    #: Chance of an equally strong correlation at any lag between unrelated items.
    p_value: float


class _Pairs(NamedTuple):
    """Pairs first < second in columns; a lag above 0 means that ``second`` comes later."""

    first: npt.NDArray[np.int32]
    second: npt.NDArray[np.int32]
    lag: npt.NDArray[np.int8]
    correlation: DoubleArray
    p_value: DoubleArray


def demand_links(
    sales: WeeklySales,
    rule: LinkRule | None = None,
    *,
    of: str | None = None,
    progress: Progress | None = None,
) -> list[Link]:
    """Return pairs of items whose demand moves together, the most certain first.

    All pairs of items that sold in enough weeks are compared, a block at a time, and
    ``false_share`` refers to all pairs. With ``of``, only the pairs of that item are compared, and
    it refers to those. Fewer than MIN_ITEMS items give no pairs, because the movement of two items
    cannot be separated from the movement of the shop. Raises :class:`DemandError` if there are too
    few weeks.
    """
    rule = rule or LinkRule()
    if sales.weeks < MIN_OVERLAP + rule.max_lag:
        raise DemandError(
            f"There are {sales.weeks} whole weeks of sales; co-demand needs at least "
            f"{MIN_OVERLAP + rule.max_lag}. Wait, or choose a smaller lag."
        )
    selling = sales.selling(rule.min_weeks, rule.min_units)
    many = len(selling.names)
    if many < MIN_ITEMS or (of is not None and of not in selling.row):
        return []
    only = None if of is None else selling.row[of]
    blocks = _one_by_one if many <= FEW_ITEMS else _in_blocks
    pairs = _joined(list(blocks(selling, rule, only, progress)))
    tests = many * (many - 1) // 2 if only is None else many - 1
    order = np.lexsort((pairs.second, pairs.first, pairs.p_value))
    kept = order[: _discoveries(pairs.p_value[order], tests, rule.false_share)]
    return [_link(pairs, at, selling.names) for at in kept]


def lagged_correlations(
    block: DoubleArray, others: DoubleArray, lag: int
) -> tuple[DoubleArray, int]:
    """Return Pearson's r (B, I) of block rows in week t with others in week t + ``lag``, and n."""
    weeks = block.shape[1]
    overlap = weeks - abs(lag)
    early = block[:, :overlap] if lag >= 0 else block[:, -overlap:]
    late = others[:, -overlap:] if lag >= 0 else others[:, :overlap]
    return unit_rows(early) @ unit_rows(late).T, overlap


def p_values(correlations: DoubleArray, weeks: DoubleArray, regressors: int) -> DoubleArray:
    """Return two-sided p values by Student's t over the independent ``weeks``."""
    from scipy.special import stdtr  # no served page imports it

    freedom = np.maximum(weeks - 2 - regressors, 1.0)
    r = np.clip(np.abs(correlations), 0.0, 1 - 1e-12)
    return 2 * stdtr(freedom, -r * np.sqrt(freedom / (1 - r**2)))


def _in_blocks(
    sales: WeeklySales, rule: LinkRule, only: int | None, progress: Progress | None
) -> Iterator[_Pairs]:
    left = residuals(sales)
    many = len(left.rows)
    starts = range(0, many, BLOCK) if only is None else [only]
    for start in starts:
        stop = min(start + BLOCK, many) if only is None else only + 1
        pairs = _passing(left, slice(start, stop), rule)
        wanted = pairs.first < pairs.second if only is None else pairs.first != pairs.second
        yield _Pairs._make(column[wanted] for column in pairs)
        if progress:
            progress("compare demand", stop, many)


def _one_by_one(
    sales: WeeklySales, rule: LinkRule, only: int | None, progress: Progress | None
) -> Iterator[_Pairs]:
    """Compare each pair with the movement of the other items.

    With few items, two items are a large part of the shop's movement. Removing a movement that
    includes them would make them look opposed.
    """
    many = len(sales.names)
    for first in range(many) if only is None else [only]:
        for second in range(first + 1, many) if only is None else range(many):
            if second != first:
                pair = _passing(residuals(sales, [first, second]), slice(0, 1), rule)
                found = pair.second == 1
                numbers = np.full((2, int(found.sum())), [[first], [second]], np.int32)
                yield _Pairs(*numbers, *(column[found] for column in pair[2:]))
        if progress:
            progress("compare demand", first + 1, many)


def _passing(left: Residuals, block: slice, rule: LinkRule) -> _Pairs:
    """Return pairs of the block's rows with all rows whose p is at most ``false_share``."""
    from scipy.special import ndtr  # no served page imports it

    own = autocorrelation(left.rows)
    shared = np.outer(own[block], own)
    worth = (1 - shared) / (1 + shared)
    best, strength, weeks = np.zeros((3, *shared.shape))
    at_lag = np.zeros(shared.shape, np.int8)
    lags = sorted(range(-rule.max_lag, rule.max_lag + 1), key=abs)
    for lag in lags:
        correlations, overlap = lagged_correlations(left.rows[block], left.rows, lag)
        independent = (overlap - left.closed) * worth
        z = np.abs(_fisher_z(correlations, independent, left.regressors))
        better = z > best
        best[better], at_lag[better] = z[better], lag
        strength[better], weeks[better] = correlations[better], independent[better]
    at = np.nonzero(2 * len(lags) * ndtr(-best) <= rule.false_share)
    p = np.minimum(len(lags) * p_values(strength[at], weeks[at], left.regressors), 1.0)
    numbers = ((at[0] + block.start).astype(np.int32), at[1].astype(np.int32))
    found = _Pairs(*numbers, at_lag[at], strength[at], p)
    return _Pairs._make(column[p <= rule.false_share] for column in found)


def _fisher_z(correlations: DoubleArray, weeks: DoubleArray, regressors: int) -> DoubleArray:
    freedom = np.maximum(weeks - 3 - regressors, 1.0)
    return np.arctanh(np.clip(correlations, -1 + 1e-12, 1 - 1e-12)) * np.sqrt(freedom)


def _joined(blocks: list[_Pairs]) -> _Pairs:
    columns: list[Any] = [np.concatenate(column) for column in zip(*blocks, strict=True)]
    return _Pairs(*columns)


def _discoveries(ordered: DoubleArray, tests: int, false_share: float) -> int:
    """Return how many of the smallest p are kept, by Benjamini and Hochberg's step-up rule."""
    bounds = false_share * np.arange(1, len(ordered) + 1) / tests
    passing = np.nonzero(ordered <= bounds)[0]
    return int(passing[-1]) + 1 if len(passing) else 0


def _link(pairs: _Pairs, at: int, names: tuple[str, ...]) -> Link:
    first, second = names[pairs.first[at]], names[pairs.second[at]]
    lag = int(pairs.lag[at])
    leader, follower = (first, second) if lag >= 0 else (second, first)
    return Link(leader, follower, abs(lag), float(pairs.correlation[at]), float(pairs.p_value[at]))
