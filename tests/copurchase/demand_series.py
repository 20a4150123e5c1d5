"""Weekly sales with a known truth, for the tests of co-demand."""

from datetime import date

import numpy as np

from similarity.planning.demand import WeeklySales

MONDAY = date(2025, 1, 6)


def weekly(units, names=None) -> WeeklySales:
    units = np.asarray(units, np.int64)
    names = tuple(names or (f"product:{at}" for at in range(len(units))))
    return WeeklySales(names, MONDAY, units, {name: (name.split(":")[-1],) for name in names})


def shop(rng, items=80, weeks=60, level=40.0):
    """Items that share a season and a trend, each with chance of its own (I, W)."""
    time = np.arange(weeks)
    season = np.exp(0.6 * np.sin(2 * np.pi * time / 26) + time / weeks)
    own = np.exp(0.5 * rng.normal(size=(items, weeks)))
    return rng.poisson(level * season * own)


def linked_shop(rng, lag=0, items=80, weeks=60):
    """As :func:`shop`; item 1 sells about 0.6 of what item 0 sold ``lag`` weeks before."""
    units = shop(rng, items, weeks)
    push = np.exp(0.8 * rng.normal(size=weeks))
    units[0] = rng.poisson(units[0] * push)
    before = np.concatenate([np.repeat(units[0].mean(), lag), units[0]])[:weeks]
    units[1] = rng.poisson(0.6 * before)
    return units
