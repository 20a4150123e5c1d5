"""If X sells so many, how many of Y: an interval, from weekly sales and from baskets.

Two readings of the question, each with its own model:

``units_of``: how much of Y the shop sells in all while X sells a given number. A straight
line through the weeks, y = a + b·x, and what it leaves; the interval is predictive (it is
meant to hold the sales, not their mean) and comes from a moving-block bootstrap (Künsch
1989), which keeps weeks that follow each other together.

``orders_with``: in how many of a given number of orders with X there will be Y as well. A
beta-binomial whose spread is estimated from how the weekly rate varied: a plain binomial
would promise too much where the rate drifts.
"""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.exceptions import DemandError
from similarity.types import DoubleArray

#: Share of cases an interval is meant to hold: one in ten below, one in ten above.
LEVEL = 0.8
DRAWS = 500
BLOCK_WEEKS = 4
#: Weeks above so many times the weekly units that nine in ten weeks stay below.
BULK = 3.0
#: A quantity of X that takes longer to sell is not extrapolated to.
MAX_SPAN_WEEKS = 13
MIN_WEEKS = 12
#: The pace of X is that of its latest weeks.
RECENT_WEEKS = 8


class Expectation(NamedTuple):
    """Of Y, while X sells ``sold``: between ``low`` and ``high`` in a share ``level`` of cases."""

    sold: float
    #: Weeks in which X sells that many at its present pace; 0 where orders are counted.
    weeks: int
    low: float
    expected: float
    high: float
    level: float


def span_weeks(x: npt.ArrayLike, sold: float) -> int:
    """Weeks, 1 to MAX_SPAN_WEEKS, in which X sells ``sold`` at the pace of its latest weeks."""
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
    """Units of Y in the weeks in which X sells ``sold``; ``x``, ``y`` (W,) are weekly units.

    ``weeks`` is how long that takes (default: :func:`span_weeks`). ``widen`` is what a back-test
    asks for, see :func:`widened`. Raises :class:`DemandError` for
    series of unlike or too small length.
    """
    x, y = _series(x, y)
    span = weeks or span_weeks(x, sold)
    rng = np.random.default_rng(seed)
    x, fitted = _bounded(x), _bounded(y)
    slope, base = _line(x, fitted)
    spread = np.sqrt(len(x) / (len(x) - 2))  # least squares leaves too little
    around = (fitted - base - slope * x) * spread
    slopes, bases = _line(x, base + slope * x + around[_blocks(rng, len(x), len(x))])
    left = (y - base - slope * x) * spread
    ahead = left[_blocks(rng, len(x), span)].sum(axis=1)
    drawn = bases * span + slopes * sold + ahead
    middle = max(float(base * span + slope * sold), 0.0)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    # However well the past fits, a count is no surer than Poisson's.
    least = NormalDist().inv_cdf((1 + level) / 2) * middle**0.5
    low, high = widened(min(low, middle - least), max(high, middle + least), widen)
    return Expectation(sold, span, low, middle, high, level)


def widened(low: float, high: float, by: float) -> tuple[float, float]:
    """An interval of counts moved apart ``by`` on either side on the scale of their roots, where
    small and large counts scatter alike; never below 0."""
    return max(float(max(low, 0.0) ** 0.5) - by, 0.0) ** 2, (float(high) ** 0.5 + by) ** 2


def line_through(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[float, float]:
    """(slope, constant) of the line that :func:`units_of` goes by."""
    slope, base = _line(*(_bounded(np.asarray(units, np.float64)) for units in (x, y)))
    return float(slope), float(base)


def orders_with(
    together: npt.ArrayLike, orders: npt.ArrayLike, of: int = 100, level: float = LEVEL
) -> Expectation:
    """How many of ``of`` orders with X hold Y as well.

    ``together``, ``orders`` (W,): by week, orders of X that held Y, and orders of X. The
    rate has Jeffreys's prior, Beta(½, ½), under which it is never held to be 0 or 1 for
    sure. Raises :class:`DemandError` where X was never ordered.
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
    """α + β of the weekly rate's beta law, by moments (Kleinman 1973); infinite for no spread."""
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
    """Without the height of a bulk order, which alone would tilt the line."""
    return np.minimum(units, max(BULK * float(np.quantile(units, 0.9)), 1.0))


def _line(x: DoubleArray, y: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Slope and constant of least squares for each row of ``y`` (..., W); slope 0 for a flat x."""
    centred = x - x.mean()
    square = (centred**2).sum()
    slope = (y @ centred) / square if square > 0 else np.zeros(y.shape[:-1])
    return slope, y.mean(axis=-1) - slope * x.mean()


def _blocks(rng: np.random.Generator, weeks: int, wanted: int) -> npt.NDArray[np.int64]:
    """DRAWS rows of ``wanted`` week numbers, in runs of BLOCK_WEEKS that follow each other."""
    starts = rng.integers(0, weeks, (DRAWS, -(-wanted // BLOCK_WEEKS), 1))
    runs = (starts + np.arange(BLOCK_WEEKS)) % weeks
    return runs.reshape(DRAWS, -1)[:, :wanted]
