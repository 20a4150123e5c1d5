"""Forecast the demand of the next weeks: simple forecasts, and a regression that uses partners.

The learned forecasts are a ridge regression for all items per week ahead. It explains the log of
demand over the item's level by the item's recent weeks; with ``neighbours``, also by the recent
weeks of its partners. All values are logs, so the middle is near the median.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.planning.demand import WeeklySales
from similarity.types import DoubleArray

#: Weeks averaged for a level, and length of a naive season, because a year would need two years of
#: history.
LEVEL_WEEKS = 8
SEASON_WEEKS = 4
RIDGE = 10.0


class LinkedPartners(NamedTuple):
    """Partners by item: item → (partner, share); the shares of an item add up to 1."""

    of: Mapping[str, Sequence[tuple[str, float]]]


class Forecast(NamedTuple):
    """A forecast: ``middle``, ``low``, ``high`` (I, H) units in each of the next weeks."""

    middle: DoubleArray
    low: DoubleArray
    high: DoubleArray


def last_value(units: npt.ArrayLike, ahead: int) -> DoubleArray:
    """Return the last value of each item (I, W), as (I, H)."""
    return np.repeat(np.asarray(units, np.float64)[:, -1:], ahead, axis=1)


def seasonal_naive(units: npt.ArrayLike, ahead: int, season: int = SEASON_WEEKS) -> DoubleArray:
    """Return the sales of each item in the same week of the previous season, as (I, H)."""
    latest = np.asarray(units, np.float64)[:, -season:]
    return latest[:, np.arange(ahead) % season]


def moving_average(units: npt.ArrayLike, ahead: int, weeks: int = LEVEL_WEEKS) -> DoubleArray:
    """Return the mean of the latest weeks, as (I, H)."""
    mean = np.asarray(units, np.float64)[:, -weeks:].mean(axis=1, keepdims=True)
    return np.repeat(mean, ahead, axis=1)


def learned(
    sales: WeeklySales, ahead: int, neighbours: LinkedPartners | None = None, level: float = 0.8
) -> Forecast:
    """Return the next ``ahead`` weeks of every item, with a regression for each week.

    It learns from every week that has LEVEL_WEEKS before it. The interval holds a share ``level``
    of its residuals.
    """
    shares = _shares(sales, neighbours)
    pasts = [sales.until(origin) for origin in range(LEVEL_WEEKS, sales.weeks + 1)]
    designs = [features(past, shares) for past in pasts]
    levels = [np.log1p(_mean(past.units, LEVEL_WEEKS)) for past in pasts]
    weeks = [_learned_step(sales, step, designs, levels, level) for step in range(1, ahead + 1)]
    return Forecast(*np.stack(weeks, axis=2))


def _learned_step(
    sales: WeeklySales,
    step: int,
    designs: Sequence[DoubleArray],
    levels: Sequence[DoubleArray],
    level: float,
) -> DoubleArray:
    """Return (3, I): middle, low and high of the week ``step`` ahead."""
    known = len(designs) - step  # origins whose week ahead is known
    sold = [np.log1p(sales.units[:, LEVEL_WEEKS + at + step - 1]) for at in range(known)]
    design = np.concatenate(designs[:known])
    target = np.concatenate([each - levels[at] for at, each in enumerate(sold)])
    coefficients = _ridge(design, target)
    left = (target - design @ coefficients).reshape(known, -1)
    own = np.sqrt((left**2).sum(axis=0) / max(known - 1, 1))
    spread = np.maximum((own + own.mean()) / 2, 1e-6)  # half-way to the mean of all items
    low, high = np.quantile(left / spread, [(1 - level) / 2, (1 + level) / 2])
    middle = levels[-1] + designs[-1] @ coefficients
    bounds = np.stack([middle, middle + low * spread, middle + high * spread])
    return np.maximum(np.expm1(bounds), 0.0)


def _ridge(design: DoubleArray, target: DoubleArray) -> DoubleArray:
    penalty = RIDGE * np.eye(design.shape[1])
    penalty[0, 0] = 0.0  # the constant
    found = np.linalg.solve(design.T @ design + penalty, design.T @ target)
    return np.asarray(found, np.float64)


def features(sales: WeeklySales, shares: Any) -> DoubleArray:
    """Return (I, F) at the end of ``sales``: constant, own recent weeks, the shop's, the partners'.

    ``shares`` (I, I), sparse, has the share of each partner in rows; None leaves partners out.
    """
    recent = _deviations(sales.units)
    shop = _deviations(sales.of_shop[None])[0]
    columns = [np.ones(len(recent)), *recent.T, *np.repeat(shop[:, None], len(recent), axis=1)]
    if shares is not None:
        having = np.asarray(shares.sum(axis=1)).ravel() > 0
        # Movement of the partners beyond the movement of the shop.
        columns += [having.astype(np.float64), *(shares @ (recent - shop)).T]
    return np.column_stack(columns)


def _deviations(units: npt.NDArray[np.int64]) -> DoubleArray:
    """Return the logs of the last week, last two and last four weeks over the level (I, 3)."""
    level = np.log1p(_mean(units, LEVEL_WEEKS))
    return np.column_stack([np.log1p(_mean(units, weeks)) - level for weeks in (1, 2, 4)])


def _mean(units: npt.NDArray[np.int64], weeks: int) -> DoubleArray:
    return units[:, -weeks:].mean(axis=1)


def _shares(sales: WeeklySales, neighbours: LinkedPartners | None) -> Any:
    if neighbours is None:
        return None
    from scipy.sparse import csr_array  # no served page imports it

    entries = [
        (share, sales.row[item], sales.row[partner])
        for item, partners in neighbours.of.items()
        for partner, share in partners
        if item in sales.row and partner in sales.row
    ]
    values, rows, columns = zip(*entries, strict=True) if entries else ((), (), ())
    places = (np.array(rows, np.int64), np.array(columns, np.int64))
    return csr_array((np.array(values, np.float64), places), shape=(len(sales.names),) * 2)
