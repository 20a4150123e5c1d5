"""Weeks in which a product was as good as missing, and what its partner's sales did then.

Orders do not tell an empty shelf from a week in which nobody asked. A run of weeks counts as
short where a product that otherwise sells steadily sold less than a tenth of what is usual
around it. What the partner sold in those weeks is
compared with what it sold around them, taken up or down with the rest of the shop.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.planning.demand import IntArray, WeeklySales
from similarity.types import DoubleArray

BoolArray = npt.NDArray[np.bool_]

#: Units a week below which a week without any is nothing unusual: e^-5 is 0.7 %.
USUAL_UNITS = 5.0
SHORT_SHARE = 0.1
#: Weeks on either side that say what is usual.
AROUND_WEEKS = 4
#: A product that is often short is one that sells in batches.
MAX_SHORT_SHARE = 0.15
#: Chance of as strong an effect if the short weeks had been any others.
MAX_P_VALUE = 0.05
#: A smaller difference is no matter for planning.
MIN_CHANGE = 0.2


class StockOutEffect(NamedTuple):
    """In ``weeks`` short weeks of X, Y sold ``sold`` units where ``usual`` were to be expected."""

    weeks: int
    #: Units of X a week around the short weeks.
    missed: float
    sold: float
    usual: float
    p_value: float

    @property
    def change(self) -> float:
        """-0.4: sold 40 % less than usual."""
        return self.sold / self.usual - 1


def short_weeks(units: IntArray, traded: BoolArray) -> BoolArray:
    """Weeks (W,) in which an item of these weekly ``units`` was short.

    None in weeks in which the shop was closed (``traded`` false), before the first week the
    item sold or after the last, or where the weeks around it are not steady: three quarters
    of them at USUAL_UNITS or more.
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
    """What happened to Y in the weeks in which X was short; None where nothing told.

    ``x``, ``y`` (W,) are their units in the weeks of ``sales``, the whole shop's. The chance
    is that of a circular shift of the short weeks over all others (which keeps runs
    together) with an effect as strong.
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
    """(units of Y sold in the short weeks, units its share of the shop's sales around them is)."""
    usual = _around(y / others, short, traded & ~short) * others[short]
    return float(y[short].sum()), float(usual.sum())


def _strength(sold: float, usual: float) -> float:
    return abs(float(np.log((sold + 1) / (usual + 1))))


def _around(
    values: DoubleArray, weeks: BoolArray, countable: BoolArray, quantile: float = 0.5
) -> DoubleArray:
    """For each of ``weeks``, a quantile of the AROUND_WEEKS countable ones before and after it.

    0 for a week with none around it.
    """
    places = np.nonzero(countable)[0]
    found = []
    for week in np.nonzero(weeks)[0]:
        at = int(np.searchsorted(places, week))
        after = at + (at < len(places) and places[at] == week)
        near = [*places[max(at - AROUND_WEEKS, 0) : at], *places[after : after + AROUND_WEEKS]]
        found.append(float(np.quantile(values[near], quantile)) if near else 0.0)
    return np.array(found)
