"""The co-demand report: which products' demand moves together, and what follows for stock."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from similarity.orders.adapter import Basket
from similarity.orders.partners import Partner
from similarity.planning.demand import IntArray, WeeklySales
from similarity.planning.demand_backtest import IntervalCalibration, both_ways, calibrate, series_of
from similarity.planning.demand_expectation import (
    MAX_SPAN_WEEKS,
    RECENT_WEEKS,
    Expectation,
    orders_with,
    units_of,
)
from similarity.planning.demand_links import Link, LinkRule, demand_links
from similarity.planning.shortage import StockOutEffect, stock_out_effect
from similarity.planning.weekly_baskets import weekly_together
from similarity.types import Progress

#: Names of items → the partners of each that was bought.
PartnersOf = Callable[[Sequence[str]], Mapping[str, Sequence[Partner]]]

#: Orders that "of 100 orders" speaks of.
ORDERS = 100
#: Fewer orders of X say too little of a hundred.
MIN_ORDERS = 20
#: An interval of more than this share of all orders says nothing.
MOST_UNSURE = 0.5
#: Quantities a sentence may speak of: the largest that X sells within MAX_SPAN_WEEKS.
QUANTITIES = (100, 50, 20, 10, 5)
#: Partners of each item in a report of all, and items whose partners are read at once.
PARTNERS_EACH = 5
ITEMS_AT_ONCE = 1000


class DemandPair(NamedTuple):
    """If ``first`` sells, what is to be expected of ``second``.

    ``link``: how their weekly sales move together, None where they do not. ``partner``: how
    often they are bought together, None where too few shoppers did. ``together`` counts
    orders, ``units`` all that is sold of ``second``; either is None where weeks are too few.
    """

    first: str
    second: str
    link: Link | None
    partner: Partner | None
    units: Expectation | None
    together: Expectation | None
    stock_out: StockOutEffect | None


@dataclass(frozen=True)
class DemandReport:
    """``pairs``, the surest first; ``titles``: item → what people call it."""

    sales: WeeklySales
    pairs: Sequence[DemandPair]
    calibration: IntervalCalibration
    titles: Mapping[str, str] = field(default_factory=dict)
    #: What an item is: ``product`` or ``category``.
    kind: str = "product"

    def title(self, item: str) -> str:
        return self.titles.get(item) or item

    def of(self, item: str) -> "DemandReport":
        """The pairs that begin with one item, or that tell what leads it."""
        pairs = [pair for pair in self.pairs if item in (pair.first, pair.second)]
        pairs.sort(key=lambda pair: pair.first != item)
        return DemandReport(self.sales, pairs, self.calibration, self.titles, self.kind)


@dataclass(frozen=True)
class DemandQuestion:
    """What a report is asked for.

    ``of``: pairs of one item only. ``quantity``: how many of X the sentences speak of;
    None: a round number that X sells within a quarter of a year.
    """

    of: str | None = None
    quantity: float | None = None
    rule: LinkRule = field(default_factory=LinkRule)
    most_pairs: int = 1000


def demand_report(
    sales: WeeklySales,
    question: DemandQuestion,
    *,
    partners: PartnersOf | None = None,
    baskets: Callable[[], Iterable[Basket]] | None = None,
    calibration: IntervalCalibration | None = None,
    progress: Progress | None = None,
) -> DemandReport:
    """Links of weekly sales and pairs bought together, with what to expect of each.

    ``partners`` and ``baskets`` are asked for co-purchases; without them only weekly sales
    speak. ``calibration``: of an earlier report on the same sales, for it takes longest.
    """
    links = demand_links(sales, question.rule, of=question.of, progress=progress)
    found = _found(links, _partners(sales, question, partners))
    chosen = sorted(found.items(), key=_sureness)[: question.most_pairs]
    bought = [pair for pair, (_link, partner) in chosen if partner]
    together = weekly_together(baskets(), sales, bought) if baskets and bought else {}
    calibration = calibration or calibrate(sales, question.rule, progress=progress)
    pairs = []
    for at, (names, (link, partner)) in enumerate(chosen):
        counted = _together(together.get(names)) if partner else None
        units = _units(sales, link, question.quantity, calibration) if link else None
        effect = stock_out_effect(sales.of(names[0]), sales.of(names[1]), sales)
        pairs.append(DemandPair(*names, link, partner, units, counted, effect))
        if progress:
            progress("expect", at + 1, len(chosen))
    return DemandReport(sales, pairs, calibration)


Evidence = tuple[Link | None, Partner | None]


def _found(
    links: Iterable[Link], partners: Mapping[str, Sequence[Partner]]
) -> dict[tuple[str, str], Evidence]:
    """(X, Y) → what is known of Y when X sells."""
    found: dict[tuple[str, str], Evidence] = {
        (each.leader, each.follower): (each, None) for link in links for each in both_ways(link)
    }
    for item, of_item in partners.items():
        for partner in of_item:
            link, _ = found.get((item, partner.item), (None, None))
            found[item, partner.item] = (link, partner)
    return found


def _partners(
    sales: WeeklySales,
    question: DemandQuestion,
    partners: PartnersOf | None,
) -> dict[str, list[Partner]]:
    """Partners that sold in these weeks: all of one item, the first few of each where of all."""
    if partners is None:
        return {}
    rule = question.rule
    selling = sales.selling(rule.min_weeks, rule.min_units).row
    items = [question.of] if question.of is not None else list(selling)
    most = None if question.of is not None else PARTNERS_EACH
    found: dict[str, list[Partner]] = {}
    for start in range(0, len(items), ITEMS_AT_ONCE):
        for item, those in partners(items[start : start + ITEMS_AT_ONCE]).items():
            # A lift below 1: bought together less often than by chance.
            going = [each for each in those if each.lift > 1 and each.item in selling]
            found[item] = going[:most]
    return {item: those for item, those in found.items() if item in sales.row}


def _sureness(entry: tuple[tuple[str, str], Evidence]) -> tuple[float, float, tuple[str, str]]:
    names, (link, partner) = entry
    return (link.p_value if link else 1.0, -partner.score if partner else 0.0, names)


def _units(
    sales: WeeklySales, link: Link, quantity: float | None, calibration: IntervalCalibration
) -> Expectation:
    x, y = series_of(sales, link)
    wanted = typical_quantity(sales.of(link.leader)) if quantity is None else quantity
    return units_of(x, y, wanted, level=calibration.level, widen=calibration.widen)


def _together(counted: tuple[IntArray, IntArray] | None) -> Expectation | None:
    if counted is None or counted[1].sum() < MIN_ORDERS:
        return None
    found = orders_with(*counted, of=ORDERS)
    return found if found.high - found.low <= MOST_UNSURE * ORDERS else None


def typical_quantity(units: IntArray) -> float:
    """A round number that an item sells within MAX_SPAN_WEEKS at its present pace."""
    within = float(units[-RECENT_WEEKS:].mean()) * MAX_SPAN_WEEKS
    return float(next((many for many in QUANTITIES if many <= within), QUANTITIES[-1]))
