"""Back-test the stated intervals on past weeks, and compute how much wider they must be.

Pairs are chosen because they moved together, so past weeks show them more similar than later weeks
will. An interval from those weeks alone is too narrow. The back-test therefore finds pairs and
makes intervals as of some earlier weeks, with the data of that time. It measures on the root scale
how far the following sales lay outside. This gives the widening that holds the stated share
(conformalised quantile regression, Romano, Patterson and Candès 2019).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from similarity.planning.demand import WeeklySales
from similarity.planning.demand_expectation import LEVEL, Expectation, units_of
from similarity.planning.demand_links import MIN_OVERLAP, Link, LinkRule, demand_links
from similarity.types import Progress

#: Weeks that each interval covers, and number of earlier weeks to test from.
HORIZON = 4
ORIGINS = 4
#: With fewer cases, the result would be chance.
MIN_CASES = 30
#: The widening if the past is too short; online-retail needs 1.7 to 2.4.
UNCALIBRATED = 2.0
MAX_PAIRS = 200
#: Only the best sellers are tested; their result holds equally for the other items.
MAX_ITEMS = 1500


class IntervalCalibration(NamedTuple):
    """The result of the back-test.

    ``widen`` is how much ``demand_expectation.widened`` widens intervals. ``covered`` is the share
    of the latest ``cases`` inside intervals that were widened by the need of the weeks before. It
    is None if the past is too short.
    """

    level: float
    widen: float
    cases: int
    covered: float | None


class Case(NamedTuple):
    """A test as of ``origin`` weeks: the expected and the actual sales of a pair's follower."""

    origin: int
    link: Link
    expected: Expectation
    sold: float

    @property
    def score(self) -> float:
        """Return how much wider the interval had to be to hold the sales; negative if it was too
        wide.
        """
        low, sold, high = np.sqrt([self.expected.low, self.sold, self.expected.high])
        return float(max(low - sold, sold - high))


def calibrate(
    sales: WeeklySales,
    rule: LinkRule | None = None,
    level: float = LEVEL,
    progress: Progress | None = None,
) -> IntervalCalibration:
    """Return the calibration of this shop, from all origins that its weeks allow."""
    cases = list(past_cases(best_sellers(sales, MAX_ITEMS), rule or LinkRule(), level, progress))
    if len(cases) < MIN_CASES:
        return IntervalCalibration(level, UNCALIBRATED, len(cases), None)
    latest = max(case.origin for case in cases)
    before = [case.score for case in cases if case.origin < latest]
    last = np.array([case.score for case in cases if case.origin == latest])
    covered = float((last <= needed(before, level)).mean()) if len(before) >= MIN_CASES else None
    return IntervalCalibration(
        level, needed([case.score for case in cases], level), len(last), covered
    )


def past_cases(
    sales: WeeklySales, rule: LinkRule, level: float = LEVEL, progress: Progress | None = None
) -> Iterator[Case]:
    """Yield cases as of the latest ORIGINS weeks with HORIZON weeks after them, without overlap."""
    origins = [sales.weeks - HORIZON * (at + 1) for at in range(ORIGINS)]
    origins = [weeks for weeks in origins if weeks >= MIN_OVERLAP + rule.max_lag]
    for done, origin in enumerate(sorted(origins)):
        share = origin / sales.weeks
        by_then = replace(
            rule, min_weeks=int(rule.min_weeks * share), min_units=int(rule.min_units * share)
        )
        for link in demand_links(sales.until(origin), by_then)[:MAX_PAIRS]:
            for pair in both_ways(link):
                yield _case(sales, pair, origin, level)
        if progress:
            progress("ask the past", done + 1, len(origins))


def both_ways(link: Link) -> list[Link]:
    """Return the directions of a link: both for the same week, one with a lag."""
    other = link._replace(leader=link.follower, follower=link.leader)
    return [link] if link.lag else [link, other]


def series_of(sales: WeeklySales, link: Link) -> tuple[np.ndarray, np.ndarray]:
    """Return weekly units of leader and follower, shifted by the lag so that they are aligned."""
    x, y = sales.of(link.leader), sales.of(link.follower)
    return (x[: -link.lag], y[link.lag :]) if link.lag else (x, y)


def needed(scores: list[float], level: float) -> float:
    """Return the least widening, at least 0, that holds a share ``level`` of past cases and one
    more.
    """
    rank = int(np.ceil((len(scores) + 1) * level))
    return max(float(np.sort(scores)[min(rank, len(scores)) - 1]), 0.0)


def best_sellers(sales: WeeklySales, many: int) -> WeeklySales:
    """Return the items that sold most, at most ``many``."""
    if len(sales.names) <= many:
        return sales
    rows = np.sort(np.argsort(-sales.units.sum(axis=1), kind="stable")[:many])
    names = tuple(sales.names[row] for row in rows)
    return WeeklySales(names, sales.monday, sales.units[rows], sales.members)


def _case(sales: WeeklySales, link: Link, origin: int, level: float) -> Case:
    x, y = series_of(sales.until(origin), link)
    known = float(sales.of(link.leader)[origin - link.lag :][:HORIZON].sum())
    sold = float(sales.of(link.follower)[origin:][:HORIZON].sum())
    return Case(origin, link, units_of(x, y, known, weeks=HORIZON, level=level), sold)
