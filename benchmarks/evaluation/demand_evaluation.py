"""Evaluate co-demand: do partners improve forecasts, and do intervals hold?

For several weeks, it uses only the data known then: products bought together, and products whose
sales move together. It forecasts the following weeks and compares them with the sales.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.evaluation.demand_scores import DemandEvaluation, Held, Score
from benchmarks.evaluation.retail_orders import RetailOrders, read_online_retail
from similarity import conf
from similarity.exceptions import ConfigurationError
from similarity.orders.counting import scores
from similarity.orders.counting.engine import Baskets, CountingRule
from similarity.orders.counting.local import LocalEngine
from similarity.planning import forecast
from similarity.planning.demand import WeeklySales, weekly_sales
from similarity.planning.demand_backtest import (
    HORIZON,
    MAX_PAIRS,
    Case,
    best_sellers,
    both_ways,
    needed,
    past_cases,
)
from similarity.planning.demand_expectation import LEVEL, orders_with, units_of, widened
from similarity.planning.demand_links import LinkRule, demand_links
from similarity.planning.forecast import Forecast, LinkedPartners

#: Number of weeks to forecast from: the last is HORIZON before the end, the others two weeks apart.
ORIGINS = 6
STEP_WEEKS = 2
MIN_WEEKS_SHARE = 0.5
MIN_UNITS = 30
PARTNERS = 8


def run(dataset: str | None, data_dir: Path, cache: Path, limit: int | None) -> DemandEvaluation:
    """Evaluate ``dataset``, online-retail; ``limit`` keeps only the best-selling items."""
    name = dataset or "online-retail"
    if name != "online-retail":
        raise ConfigurationError(
            f"There is no data set of orders {name!r} for co-demand; choose online-retail."
        )
    orders = read_online_retail(data_dir / name)
    every = weekly_sales(orders.sales(), lambda keys: [f"product:{key}" for key in keys])
    sales = best_sellers(every, limit) if limit else every
    last = sales.weeks - HORIZON
    origins = [last - STEP_WEEKS * back for back in reversed(range(ORIGINS))]
    asked = [_AsOf(orders, sales, origin) for origin in origins]
    cases = list(past_cases(best_sellers(sales, 1500), LinkRule()))
    held = [*_held_units(cases), _held_orders(asked)]
    everything, having = _scores(asked, False), _scores(asked, True)
    return DemandEvaluation(
        name,
        len(sales.names),
        sales.weeks,
        origins,
        everything,
        having,
        held,
        _knowing(sales, cases),
        {"as sold": len(demand_links(sales)), "weeks shuffled": len(demand_links(shuffled(sales)))},
    )


def shuffled(sales: WeeklySales, seed: int = 0) -> WeeklySales:
    """Return each item's open weeks in its own random order, so that no items move together."""
    rng = np.random.default_rng(seed)
    units = rng.permuted(sales.units[:, sales.traded], axis=1)
    return WeeklySales(sales.names, sales.monday, units, sales.members)


class _AsOf:
    """The shop as known at the end of week ``origin``, and the following sales."""

    def __init__(self, orders: RetailOrders, sales: WeeklySales, origin: int) -> None:
        past = sales.until(origin)
        self.past = past.selling(int(MIN_WEEKS_SHARE * origin), MIN_UNITS)
        self.orders, self.sales, self.origin = orders, sales, origin
        rows = [sales.row[name] for name in self.past.names]
        self.sold = sales.units[rows, origin : origin + HORIZON].astype(np.float64)
        self.partners = bought_together(orders, past, self.past)
        self.linked = _linked(self.past)
        self.forecasts = self._forecasts()

    @property
    def having(self) -> npt.NDArray[np.bool_]:
        """Return the items (I,) that have partners of either type."""
        either = self.partners.of.keys() | self.linked.of.keys()
        return np.array([name in either for name in self.past.names])

    def _forecasts(self) -> dict[str, Forecast | npt.NDArray[np.float64]]:
        units = self.past.units
        both = LinkedPartners({**self.partners.of, **self.linked.of})
        return {
            "last value": forecast.last_value(units, HORIZON),
            "seasonal naive (4 weeks)": forecast.seasonal_naive(units, HORIZON),
            "mean of 8 weeks": forecast.moving_average(units, HORIZON),
            "own history": forecast.learned(self.past, HORIZON),
            "+ bought together": forecast.learned(self.past, HORIZON, self.partners),
            "+ moves together": forecast.learned(self.past, HORIZON, self.linked),
            "+ both": forecast.learned(self.past, HORIZON, both),
        }


def bought_together(orders: RetailOrders, past: WeeklySales, items: WeeklySales) -> LinkedPartners:
    """Return the best partners of each item in orders up to the end of ``past``.

    They are ranked by the default score.
    """
    baskets, names = orders.baskets_until(past.mondays[-1] + (past.mondays[1] - past.mondays[0]))
    counts = LocalEngine().count(baskets, _rule(baskets))
    found: dict[str, list[tuple[str, float]]] = {}
    for block in counts.pairs():
        chosen = scores.rank(
            block,
            counts.items,
            counts.total_weight,
            most=PARTNERS,
            min_shoppers=conf.get("ORDERS", "MIN_SHOPPERS"),
        )
        first, second = block.first[chosen], block.second[chosen]
        weight = scores.confidence(block.weight[chosen], counts.items.weight[first])
        for item, partner, share in zip(first, second, weight, strict=True):
            if names[item] in items.row and names[partner] in items.row:
                found.setdefault(names[item], []).append((names[partner], float(share)))
    return _shares(found)


def _linked(past: WeeklySales) -> LinkedPartners:
    found: dict[str, list[tuple[str, float]]] = {}
    for link in demand_links(past, LinkRule(min_weeks=past.weeks // 2)):
        for pair in both_ways(link):
            found.setdefault(pair.follower, []).append((pair.leader, abs(pair.correlation)))
    return _shares(found)


def _shares(found: dict[str, list[tuple[str, float]]]) -> LinkedPartners:
    totals = {item: sum(share for _name, share in those) for item, those in found.items()}
    return LinkedPartners(
        {
            item: [(name, share / totals[item]) for name, share in those]
            for item, those in found.items()
            if totals[item] > 0
        }
    )


def _rule(baskets: Baskets) -> CountingRule:
    """Return the rule of the default settings, as of the last order."""
    return CountingRule(
        reference_day=int(baskets.day.max()),
        half_life_days=float(conf.default("ORDERS", "HALF_LIFE_DAYS")),
        max_basket=conf.default("ORDERS", "MAX_BASKET"),
        window_days=conf.default("ORDERS", "WINDOW_DAYS"),
    )


def _scores(asked: list[_AsOf], having: bool) -> dict[str, Score]:
    return {name: _score(asked, name, having) for name in asked[0].forecasts}


def _score(asked: list[_AsOf], name: str, having: bool) -> Score:
    errors, sold, scaled, held = [], [], [], []
    for each in asked:
        rows = each.having if having else np.ones(len(each.past.names), bool)
        made = each.forecasts[name]
        middle = made.middle if isinstance(made, Forecast) else made
        error = (middle - each.sold)[rows]
        steps = np.diff(each.past.units[rows].astype(np.float64), axis=1)
        scale = np.maximum((steps**2).mean(axis=1), 1e-9)
        errors.append(np.abs(error).ravel())
        sold.append(each.sold[rows].ravel())
        scaled.append(np.sqrt((error**2).mean(axis=1) / scale))
        if isinstance(made, Forecast):
            inside = (made.low <= each.sold) & (each.sold <= made.high)
            held.append(inside[rows].ravel())
    total = float(np.concatenate(sold).sum())
    absolute = np.concatenate(errors)
    return Score(
        float(absolute.mean()),
        float(absolute.sum() / total),
        float(np.concatenate(scaled).mean()),
        float(np.concatenate(held).mean()) if held else None,
    )


def _knowing(sales: WeeklySales, cases: list[Case]) -> dict[str, float]:
    """Return the WAPE of Y's units in all HORIZON weeks, over pairs whose sales move together."""
    cases = [case for case in cases if not case.link.lag]
    alone: dict[tuple[int, str], float] = {}
    for origin in {case.origin for case in cases}:
        past = sales.until(origin).selling(forecast.LEVEL_WEEKS, MIN_UNITS)
        totals = forecast.learned(past, HORIZON).middle.sum(axis=1)
        alone |= {(origin, name): total for name, total in zip(past.names, totals, strict=True)}
    cases = [case for case in cases if (case.origin, case.link.follower) in alone]
    sold = np.array([case.sold for case in cases])
    by_history = np.array([alone[case.origin, case.link.follower] for case in cases])
    by_shop = np.array([_by_shop(sales, case) for case in cases])
    by_partner = np.array([case.expected.expected for case in cases])
    return {
        "pairs": float(len(cases)),
        "own history": float(np.abs(by_history - sold).sum() / sold.sum()),
        "shop known": float(np.abs(by_shop - sold).sum() / sold.sum()),
        "X known": float(np.abs(by_partner - sold).sum() / sold.sum()),
    }


def _by_shop(sales: WeeklySales, case: Case) -> float:
    """Return the control: the same line, through the sales of the whole shop."""
    shop, origin = sales.of_shop, case.origin
    known = float(shop[origin : origin + HORIZON].sum())
    y = sales.of(case.link.follower)[:origin]
    return units_of(shop[:origin], y, known, weeks=HORIZON).expected


def _held_units(cases: list[Case]) -> Iterator[Held]:
    """Yield results for “If X sells so many, expect Y …”, plain and widened by earlier weeks."""
    yield _held("units, not widened", cases, 0.0)
    origins = sorted({case.origin for case in cases})
    for origin in origins[1:]:
        before = [case.score for case in cases if case.origin < origin]
        asked = [case for case in cases if case.origin == origin]
        widen = needed(before, LEVEL)
        yield _held(f"units, as of week {origin} widened by {widen:.2f}", asked, widen)


def _held(what: str, cases: list[Case], widen: float) -> Held:
    inside = np.array([case.score <= widen for case in cases])
    bounds = [widened(case.expected.low, case.expected.high, widen) for case in cases]
    width = sum(high - low for low, high in bounds)
    sold = sum(case.sold for case in cases)
    return Held(what, len(cases), float(inside.mean()), width / max(sold, 1.0))


def _held_orders(asked: list[_AsOf]) -> Held:
    """Return the result of the strongest pairs for “Of n orders with X, expect … with Y”."""
    inside, width, seen = [], 0.0, 0.0
    for each in asked[:: HORIZON // STEP_WEEKS]:
        pairs = [(item, those[0][0]) for item, those in each.partners.of.items() if len(those)][
            :MAX_PAIRS
        ]
        for both, orders in each.orders.weekly_together(each.sales, pairs).values():
            known = slice(0, each.origin)
            ahead = slice(each.origin, each.origin + HORIZON)
            many, found = int(orders[ahead].sum()), int(both[ahead].sum())
            if many and orders[known].sum():
                expected = orders_with(both[known], orders[known], of=many)
                inside.append(expected.low <= found <= expected.high)
                width += expected.high - expected.low
                seen += found
    return Held("orders with both", len(inside), float(np.mean(inside)), width / max(seen, 1.0))
