"""Find weeks in which a product was nearly out of stock, and its partner's sales in those weeks.

Orders do not distinguish an empty shelf from a week without demand. A run of weeks counts as short
if a product with otherwise steady sales sold less than a tenth of its usual sales around that time.
The partner's sales in those weeks are compared with its sales around them, scaled with the rest of
the shop.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.planning.demand import IntArray, WeeklySales
from similarity.types import DoubleArray

BoolArray = npt.NDArray[np.bool_]

#: Usual weekly units below which a week without sales is normal: e^-5 is 0.7 %.
USUAL_UNITS = 5.0
SHORT_SHARE = 0.1
#: Weeks on either side that define usual sales.
AROUND_WEEKS = 4
#: A product with a larger share of short weeks sells in batches.
MAX_SHORT_SHARE = 0.15
#: Maximum chance of an equally strong effect in any other weeks.
MAX_P_VALUE = 0.05
#: A smaller difference does not matter for planning.
MIN_CHANGE = 0.2


class StockOutEffect(NamedTuple):
    """The effect of a shortage: in ``weeks`` short weeks of X, Y sold ``sold`` instead of
    ``usual``.
    """

    weeks: int
    #: Weekly units of X around the short weeks.
    missed: float
    sold: float
    usual: float
    p_value: float

    @property
    def change(self) -> float:
        """Return the relative change: -0.4 means 40 % less than usual."""
        return self.sold / self.usual - 1


def short_weeks(units: IntArray, traded: BoolArray) -> BoolArray:
    """Return the weeks (W,) in which an item with these weekly ``units`` was short.

    A week is not short if the shop was closed (``traded`` false), if it is before the item's first
    or after its last sale, or if the weeks around it are not steady: three quarters of them at
    USUAL_UNITS or more.
    """
    sold = np.nonzero(units)[0]
    short = np.zeros(len(units), bool)
    if not len(sold):
        return short
    inside = np.arange(len(units))
    candidates = traded & (inside > sold[0]) & (inside < sold[-1])
    low = candidates & (units < SHORT_SHARE * max(np.median(units[traded]), USUAL_UNITS))
    steady = _around(units.astype(np.float64), low, traded & ~low, 0.25)
    short[low] = steady >= USUAL_UNITS
    return short if short.sum() <= MAX_SHORT_SHARE * candidates.sum() else np.zeros_like(short)


def stock_out_effect(x: IntArray, y: IntArray, sales: WeeklySales) -> StockOutEffect | None:
    """Return the effect on Y of the weeks in which X was short, or None without an effect.

    ``x``, ``y`` (W,) are their units in the weeks of ``sales``, the sales of the whole shop. The p
    value is the chance that a circular shift of the short weeks, which keeps runs together, has an
    equally strong effect.
    """
    traded = sales.traded
    short = short_weeks(x, traded)
    if not short.any():
        return None
    others = np.maximum(sales.of_shop - x - y, 1).astype(np.float64)
    observed, usual = _effect(y, others, short, traded)
    if usual < USUAL_UNITS or abs(observed / usual - 1) < MIN_CHANGE:
        return None
    shifts = [np.roll(short, by) & traded for by in range(1, len(short))]
    drawn = [_effect(y, others, shifted, traded) for shifted in shifts if shifted.any()]
    stronger = sum(_strength(*one) >= _strength(observed, usual) for one in drawn)
    p_value = (stronger + 1) / (len(drawn) + 1)
    if p_value > MAX_P_VALUE:
        return None
    missed = _around(x.astype(np.float64), short, traded & ~short).mean()
    return StockOutEffect(int(short.sum()), float(missed), observed, usual, p_value)


def _effect(
    y: IntArray, others: DoubleArray, short: BoolArray, traded: BoolArray
) -> tuple[float, float]:
    """Return (units of Y sold in the short weeks, its usual share of the shop's sales then)."""
    usual = _around(y / others, short, traded & ~short) * others[short]
    return float(y[short].sum()), float(usual.sum())


def _strength(sold: float, usual: float) -> float:
    return abs(float(np.log((sold + 1) / (usual + 1))))


def _around(
    values: DoubleArray, weeks: BoolArray, countable: BoolArray, quantile: float = 0.5
) -> DoubleArray:
    """Return, for each of ``weeks``, a quantile of up to AROUND_WEEKS countable weeks on each side.

    It is 0 for a week without countable weeks around it.
    """
    places = np.nonzero(countable)[0]
    found = []
    for week in np.nonzero(weeks)[0]:
        at = int(np.searchsorted(places, week))
        after = at + (at < len(places) and places[at] == week)
        near = [*places[max(at - AROUND_WEEKS, 0) : at], *places[after : after + AROUND_WEEKS]]
        found.append(float(np.quantile(values[near], quantile)) if near else 0.0)
    return np.array(found)
