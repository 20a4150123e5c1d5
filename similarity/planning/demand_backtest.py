"""How often the stated intervals would have held, and how much wider they must be.

Pairs are chosen because they moved together, so that past weeks show them more alike than
the weeks to come will: an interval from those weeks alone is too narrow. So the shop's own
past is asked. As of some earlier weeks, pairs are found and intervals made with what was
known then; how far the sales that followed lay outside, on the scale of roots, says how much
wider they must be to hold the stated share (conformalised quantile regression, Romano,
Patterson and Candès 2019).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from similarity.planning.demand import WeeklySales
from similarity.planning.demand_expectation import LEVEL, Expectation, units_of
from similarity.planning.demand_links import MIN_OVERLAP, Link, LinkRule, demand_links
from similarity.types import Progress

#: Weeks ahead that each interval is for, and how many earlier weeks it is asked as of.
HORIZON = 4
ORIGINS = 4
#: Cases below which the answer would be chance.
MIN_CASES = 30
#: Where the past is too short to ask; online-retail asks for 1.7 to 2.4.
UNCALIBRATED = 2.0
MAX_PAIRS = 200
#: The best sellers are asked; what they show holds for the others as well as anything.
MAX_ITEMS = 1500


class IntervalCalibration(NamedTuple):
    """``widen``: how much wider intervals are made, as ``demand_expectation.widened`` takes it.

    ``covered``: in the latest weeks asked, the share of ``cases`` that intervals held which
    were widened by what the weeks before them asked for. None where the past is too short.
    """

    level: float
    widen: float
    cases: int
    covered: float | None


class Case(NamedTuple):
    """As of ``origin`` weeks: what was expected of a pair's follower, and what it sold."""

    origin: int
    link: Link
    expected: Expectation
    sold: float

    @property
    def score(self) -> float:
        """How much wider the interval had to be to hold what was sold; below 0 it was too wide."""
        low, sold, high = np.sqrt([self.expected.low, self.sold, self.expected.high])
        return float(max(low - sold, sold - high))


def calibrate(
    sales: WeeklySales,
    rule: LinkRule | None = None,
    level: float = LEVEL,
    progress: Progress | None = None,
) -> IntervalCalibration:
    """For this shop, from all of the origins its weeks allow."""
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
    """Cases as of the latest ORIGINS weeks that have HORIZON weeks after them, not overlapping."""
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
    """A link of the same week says something of either; one with a lag of what follows."""
    other = link._replace(leader=link.follower, follower=link.leader)
    return [link] if link.lag else [link, other]


def series_of(sales: WeeklySales, link: Link) -> tuple[np.ndarray, np.ndarray]:
    """Weekly units of leader and follower, shifted so that what belongs together is in line."""
    x, y = sales.of(link.leader), sales.of(link.follower)
    return (x[: -link.lag], y[link.lag :]) if link.lag else (x, y)


def needed(scores: list[float], level: float) -> float:
    """The least widening that holds a share ``level`` of past cases, and one more; 0 at least."""
    rank = int(np.ceil((len(scores) + 1) * level))
    return max(float(np.sort(scores)[min(rank, len(scores)) - 1]), 0.0)


def best_sellers(sales: WeeklySales, many: int) -> WeeklySales:
    """The items that sold most, at most so many."""
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
