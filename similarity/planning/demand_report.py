"""Build the co-demand report: products whose demand moves together, and the effect on stock."""

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

#: Item names → the partners of each item with orders.
PartnersOf = Callable[[Sequence[str]], Mapping[str, Sequence[Partner]]]

#: Number of orders in "of 100 orders".
ORDERS = 100
#: Minimum number of orders of X for a statement about a hundred orders.
MIN_ORDERS = 20
#: Leave out an interval wider than this share of all orders, because it is too vague.
MOST_UNSURE = 0.5
#: Quantities for sentences: use the largest that X sells within MAX_SPAN_WEEKS.
QUANTITIES = (100, 50, 20, 10, 5)
#: Partners per item in a report of all items, and items whose partners are read at once.
PARTNERS_EACH = 5
ITEMS_AT_ONCE = 1000


class DemandPair(NamedTuple):
    """A pair: the expected sales of ``second`` if ``first`` sells.

    ``link`` is how their weekly sales move together, or None without a link. ``partner`` is how
    often they are bought together, or None if too few shoppers bought both. ``together`` counts
    orders, and ``units`` all sales of ``second``; each is None if there are too few weeks.
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
    """A co-demand report: ``pairs``, the most certain first, and ``titles`` by item."""

    sales: WeeklySales
    pairs: Sequence[DemandPair]
    calibration: IntervalCalibration
    titles: Mapping[str, str] = field(default_factory=dict)
    #: The type of the items: ``product`` or ``category``.
    kind: str = "product"

    def title(self, item: str) -> str:
        return self.titles.get(item) or item

    def of(self, item: str) -> "DemandReport":
        """Return the report of the pairs with ``item``, first the pairs that it leads."""
        pairs = [pair for pair in self.pairs if item in (pair.first, pair.second)]
        pairs.sort(key=lambda pair: pair.first != item)
        return DemandReport(self.sales, pairs, self.calibration, self.titles, self.kind)


@dataclass(frozen=True)
class DemandQuestion:
    """The parameters of a report.

    ``of`` limits it to the pairs of one item. ``quantity`` is the number of X in the sentences.
    None means a round number that X sells within a quarter of a year.
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
    """Return links of weekly sales and pairs bought together, with the expectation for each.

    ``partners`` and ``baskets`` supply co-purchases; without them, the report uses only weekly
    sales. ``calibration`` can come from an earlier report on the same sales, because it takes the
    longest time.
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
    """Return (X, Y) → the evidence about Y if X sells."""
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
    """Return partners with sales in these weeks: all partners of one item, or the first few of
    each.
    """
    if partners is None:
        return {}
    rule = question.rule
    selling = sales.selling(rule.min_weeks, rule.min_units).row
    items = [question.of] if question.of is not None else list(selling)
    most = None if question.of is not None else PARTNERS_EACH
    found: dict[str, list[Partner]] = {}
    for start in range(0, len(items), ITEMS_AT_ONCE):
        for item, those in partners(items[start : start + ITEMS_AT_ONCE]).items():
            # With a lift below 1, they are bought together less often than by chance.
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
    """Return a round number that an item sells within MAX_SPAN_WEEKS at its present pace."""
    within = float(units[-RECENT_WEEKS:].mean()) * MAX_SPAN_WEEKS
    return float(next((many for many in QUANTITIES if many <= within), QUANTITIES[-1]))
