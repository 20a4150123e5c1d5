"""Estimate the sales of Y if X sells a given number, as an interval from weekly sales or baskets.

Two questions, each with its own model:

``units_of``: how much of Y the shop sells in total while X sells a given number. The model is a
straight line through the weeks, y = a + b·x, and its residuals. The interval is predictive: it
should hold the sales, not their mean. It comes from a moving-block bootstrap (Künsch 1989), which
keeps consecutive weeks together.

``orders_with``: how many of a given number of orders with X also contain Y. The model is a
beta-binomial whose spread is estimated from the variation of the weekly rate. A plain binomial
would be too narrow if the rate drifts.
"""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.exceptions import DemandError
from similarity.types import DoubleArray

#: Share of cases that an interval should hold: one in ten below it, one in ten above.
LEVEL = 0.8
DRAWS = 500
BLOCK_WEEKS = 4
#: Weeks are cut at this multiple of the weekly units that nine in ten weeks stay below.
BULK = 3.0
#: The longest time in which X may sell a quantity; longer times are not extrapolated.
MAX_SPAN_WEEKS = 13
MIN_WEEKS = 12
#: Number of latest weeks that define the pace of X.
RECENT_WEEKS = 8


class Expectation(NamedTuple):
    """Expected sales of Y while X sells ``sold``:

    ``low`` to ``high`` in a share ``level`` of cases.
    """

    sold: float
    #: Weeks in which X sells this number at its present pace; 0 if orders are counted.
    weeks: int
    low: float
    expected: float
    high: float
    level: float


def span_weeks(x: npt.ArrayLike, sold: float) -> int:
    """Return the weeks, 1 to MAX_SPAN_WEEKS, in which X sells ``sold`` at its latest pace."""
    pace = float(np.mean(np.asarray(x, np.float64)[-RECENT_WEEKS:]))
    return int(np.clip(round(sold / pace), 1, MAX_SPAN_WEEKS)) if pace > 0 else MAX_SPAN_WEEKS


def units_of(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    sold: float,
    *,
    weeks: int | None = None,
    level: float = LEVEL,
    widen: float = 0.0,
    seed: int = 0,
) -> Expectation:
    """Return units of Y in the weeks in which X sells ``sold``; ``x``, ``y`` (W,) are weekly units.

    ``weeks`` is how long that takes (default: :func:`span_weeks`). ``widen`` comes from a
    back-test, see :func:`widened`. Raises :class:`DemandError` for series of different or too small
    length.
    """
    x, y = _series(x, y)
    span = weeks or span_weeks(x, sold)
    rng = np.random.default_rng(seed)
    x, fitted = _bounded(x), _bounded(y)
    slope, base = _line(x, fitted)
    spread = np.sqrt(len(x) / (len(x) - 2))  # least squares underestimates residuals
    around = (fitted - base - slope * x) * spread
    slopes, bases = _line(x, base + slope * x + around[_blocks(rng, len(x), len(x))])
    left = (y - base - slope * x) * spread
    ahead = left[_blocks(rng, len(x), span)].sum(axis=1)
    drawn = bases * span + slopes * sold + ahead
    middle = max(float(base * span + slope * sold), 0.0)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    # Even if the past fits well, a count is not more certain than Poisson's.
    least = NormalDist().inv_cdf((1 + level) / 2) * middle**0.5
    low, high = widened(min(low, middle - least), max(high, middle + least), widen)
    return Expectation(sold, span, low, middle, high, level)


def widened(low: float, high: float, by: float) -> tuple[float, float]:
    """Return an interval of counts, widened by ``by`` on both sides on the scale of roots.

    On that scale, small and large counts scatter equally. The interval never goes below 0.
    """
    return max(float(max(low, 0.0) ** 0.5) - by, 0.0) ** 2, (float(high) ** 0.5 + by) ** 2


def line_through(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[float, float]:
    """Return (slope, constant) of the line that :func:`units_of` uses."""
    slope, base = _line(*(_bounded(np.asarray(units, np.float64)) for units in (x, y)))
    return float(slope), float(base)


def orders_with(
    together: npt.ArrayLike, orders: npt.ArrayLike, of: int = 100, level: float = LEVEL
) -> Expectation:
    """Return how many of ``of`` orders with X also contain Y.

    ``together``, ``orders`` (W,) are weekly orders of X that contained Y, and weekly orders of X.
    The rate has Jeffreys's prior, Beta(½, ½), so it is never certainly 0 or 1. Raises
    :class:`DemandError` if X was never ordered.
    """
    from scipy.stats import betabinom

    k, n = np.asarray(together, np.float64), np.asarray(orders, np.float64)
    if n.sum() <= 0:
        raise DemandError("X is in no order of these weeks; choose more weeks.")
    a, b = k.sum() + 0.5, (n - k).sum() + 0.5
    rate = a / (a + b)
    certainty = min(a + b, _certainty(k, n))
    law = betabinom(of, rate * certainty, (1 - rate) * certainty)
    low, high = law.ppf([(1 - level) / 2, (1 + level) / 2])
    return Expectation(float(of), 0, float(low), of * rate, float(high), level)


def _certainty(k: DoubleArray, n: DoubleArray) -> float:
    """Return α + β of the weekly rate's beta law by moments (Kleinman 1973); infinite without
    spread.
    """
    k, n = k[n > 0], n[n > 0]
    if len(n) < 3:
        return float("inf")
    rate = k.sum() / n.sum()
    if not 0 < rate < 1:
        return float("inf")
    spread = (n * (k / n - rate) ** 2).sum() / (rate * (1 - rate)) - (len(n) - 1)
    room = n.sum() - (n**2).sum() / n.sum() - (len(n) - 1)
    correlation = spread / room if room > 0 else 0.0
    return float("inf") if correlation <= 0 else max(1 / min(correlation, 0.99) - 1, 0.1)


def _series(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[DoubleArray, DoubleArray]:
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.shape != y.shape or x.ndim != 1 or len(x) < MIN_WEEKS:
        raise DemandError(
            f"Sales of {x.shape} and {y.shape} weeks cannot be compared; "
            f"give the same {MIN_WEEKS} weeks or more of both."
        )
    return x, y


def _bounded(units: DoubleArray) -> DoubleArray:
    """Return units without the height of bulk orders, which alone would tilt the line."""
    return np.minimum(units, max(BULK * float(np.quantile(units, 0.9)), 1.0))


def _line(x: DoubleArray, y: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Return least squares' slope and constant per row of ``y`` (..., W); slope 0 if x is flat."""
    centred = x - x.mean()
    square = (centred**2).sum()
    slope = (y @ centred) / square if square > 0 else np.zeros(y.shape[:-1])
    return slope, y.mean(axis=-1) - slope * x.mean()


def _blocks(rng: np.random.Generator, weeks: int, wanted: int) -> npt.NDArray[np.int64]:
    """Return DRAWS rows of ``wanted`` week numbers, in runs of BLOCK_WEEKS consecutive weeks."""
    starts = rng.integers(0, weeks, (DRAWS, -(-wanted // BLOCK_WEEKS), 1))
    runs = (starts + np.arange(BLOCK_WEEKS)) % weeks
    return runs.reshape(DRAWS, -1)[:, :wanted]
