"""Compute residuals of weekly sales, without the movement that all items share."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from similarity.planning.demand import WeeklySales
from similarity.types import DoubleArray


class Residuals(NamedTuple):
    """Residuals: ``rows`` (I, W) of mean 0 and length 1, or all zero.

    ``closed`` of the W weeks carry no information. ``regressors`` is the number of regressors
    besides the mean.
    """

    rows: DoubleArray
    closed: int
    regressors: int


def residuals(sales: WeeklySales, rows: slice | list[int] | None = None) -> Residuals:
    """Return residuals of log sales (I, W) without the common movement, as normal scores.

    Sales become log(1 + units), and residuals become ranks. Otherwise a wholesaler's thousand would
    outweigh all other weeks, and p values of skewed series would be far too small. Weeks in which
    the shop was closed or nearly closed carry no information: they are left out of the fit and are
    zero. An item that the regressors explain completely is all zero and correlates with no other
    item. With ``rows``, return only these rows; the other items are the shop.
    """
    logs, traded = np.log1p(sales.units.astype(np.float64)), sales.traded
    others = logs if rows is None else np.delete(logs, rows, axis=0)
    basis, _ = np.linalg.qr(_design(others, traded)[traded])
    logs = logs if rows is None else logs[rows]
    left = logs[:, traded] - (logs[:, traded] @ basis) @ basis.T
    scale = np.maximum(np.linalg.norm(logs, axis=1, keepdims=True), 1.0)
    varies = np.linalg.norm(left, axis=1, keepdims=True) > 1e-9 * scale
    scores = np.zeros_like(logs)
    scores[:, traded] = np.where(varies, _normal_scores(left), 0.0)
    return Residuals(unit_rows(scores), int((~traded).sum()), basis.shape[1] - 1)


def _design(logs: DoubleArray, traded: npt.NDArray[np.bool_]) -> DoubleArray:
    """Return constant, trend, the shop's movement and, after two years, the season (W, R)."""
    weeks = logs.shape[1]
    time = np.arange(weeks) / max(weeks - 1, 1)
    columns = [np.ones(weeks), time, _movement(logs, traded)]
    if weeks >= 104:  # a season seen once looks like a trend
        year = 2 * np.pi * np.arange(weeks) / 52.18
        columns += [np.sin(year), np.cos(year), np.sin(2 * year), np.cos(2 * year)]
    return np.column_stack(columns)


def _movement(logs: DoubleArray, traded: npt.NDArray[np.bool_]) -> DoubleArray:
    """Return the mean over items of standardised log sales (W,), the movement of the shop."""
    centred = logs - logs[:, traded].mean(axis=1, keepdims=True)
    spread = logs[:, traded].std(axis=1, keepdims=True)
    return np.divide(centred, spread, out=np.zeros_like(logs), where=spread > 0).mean(axis=0)


def _normal_scores(rows: DoubleArray) -> DoubleArray:
    """Return normal quantiles of each value's rank in its row (van der Waerden)."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    return ndtri(rankdata(rows, axis=1) / (rows.shape[1] + 1))


def autocorrelation(left: DoubleArray) -> DoubleArray:
    """Return the correlation of each row with itself a week later, at least 0.

    Rows have mean 0 and length 1. The minimum keeps an oscillating row from counting as more weeks
    than there are.
    """
    return np.clip((left[:, 1:] * left[:, :-1]).sum(axis=1), 0.0, 0.95)


def unit_rows(rows: DoubleArray) -> DoubleArray:
    centred = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 1e-9)
