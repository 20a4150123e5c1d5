"""Units sold by item and week, read from the host's orders.

An item is a product with its variants. Weeks start on Monday; only whole ones are kept, for
half a week looks like a fall in demand.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from similarity.catalog import times
from similarity.exceptions import DemandError
from similarity.orders.adapter import OrderAdapter, Sale
from similarity.orders.counting.numbering import item_names

IntArray = npt.NDArray[np.int64]

#: Two years: the yearly pattern is seen twice, and older demand says little of the next month.
WEEKS = 104
WEEK = timedelta(days=7)
#: A week with less than this share of the median week's units: the shop was closed.
CLOSED_SHARE = 0.1

#: Keys of products → the names of their items, in the same order.
NameItems = Callable[[Sequence[Any]], Sequence[str]]


@dataclass(frozen=True)
class WeeklySales:
    """``units`` int64 (I, W): what each item sold in each week; the first begins ``monday``.

    ``members``: item → keys of its products as text, the most sold first.
    """

    names: tuple[str, ...]
    monday: date
    units: IntArray
    members: Mapping[str, tuple[str, ...]]

    @property
    def weeks(self) -> int:
        return self.units.shape[1]

    @property
    def mondays(self) -> list[date]:
        return [self.monday + at * WEEK for at in range(self.weeks)]

    @cached_property
    def of_shop(self) -> IntArray:
        """Units of the whole shop by week (W,)."""
        return self.units.sum(axis=0)

    @cached_property
    def traded(self) -> npt.NDArray[np.bool_]:
        """Weeks (W,) in which the shop was open, so that they say something of demand."""
        return self.of_shop >= CLOSED_SHARE * np.median(self.of_shop)

    @cached_property
    def row(self) -> dict[str, int]:
        """Item → its row in ``units``."""
        return {name: at for at, name in enumerate(self.names)}

    def of(self, name: str) -> IntArray:
        """Units of one item by week. Raises :class:`DemandError` for one that sold nothing."""
        if name not in self.row:
            raise DemandError(
                f"{name!r} sold nothing in the {self.weeks} weeks from {self.monday}; "
                "choose another, or more weeks."
            )
        return self.units[self.row[name]]

    def summed(self, label_of: Mapping[str, str]) -> "WeeklySales":
        """By label, a category for one; items without a label are left out."""
        labels = sorted({label_of[name] for name in self.names if label_of.get(name)})
        row = {label: at for at, label in enumerate(labels)}
        units = np.zeros((len(labels), self.weeks), np.int64)
        members: dict[str, tuple[str, ...]] = dict.fromkeys(labels, ())
        for at, name in enumerate(self.names):
            if label := label_of.get(name):
                units[row[label]] += self.units[at]
                members[label] += self.members.get(name, ())
        return WeeklySales(tuple(labels), self.monday, units, members)

    def until(self, weeks: int) -> "WeeklySales":
        """The first so many weeks, as they were known then."""
        return WeeklySales(self.names, self.monday, self.units[:, :weeks], self.members)

    def selling(self, weeks: int, units: int) -> "WeeklySales":
        """Items that sold in at least so many weeks and so many units in all."""
        enough = ((self.units > 0).sum(axis=1) >= weeks) & (self.units.sum(axis=1) >= units)
        names = tuple(name for name, keep in zip(self.names, enough, strict=True) if keep)
        members = {name: self.members.get(name, ()) for name in names}
        return WeeklySales(names, self.monday, self.units[enough], members)


def read_weekly_sales(
    orders: OrderAdapter, weeks: int = WEEKS, today: date | None = None
) -> WeeklySales:
    """The last ``weeks`` whole weeks of sales, streamed.

    Raises :class:`DemandError` where there is not one whole week of them.
    """
    this_monday = monday_of(today or times.today())
    first = this_monday - weeks * WEEK
    return weekly_sales(orders.sales(midnight(first), midnight(this_monday)))


def weekly_sales(sales: Iterable[Sale], name_items: NameItems = item_names) -> WeeklySales:
    """Sales by item and whole week, from the first day sold to the last.

    Raises :class:`DemandError` where there is not one whole week of them.
    """
    product_row: dict[Any, int] = {}
    rows, days, units = array("q"), array("q"), array("q")
    for sale in sales:
        rows.append(product_row.setdefault(sale.product, len(product_row)))
        days.append(sale.day.toordinal())
        units.append(sale.units)
    by_day = np.frombuffer(days, np.int64) if days else np.zeros(0, np.int64)
    monday, weeks = whole_weeks(by_day)
    table = np.zeros((len(product_row), weeks), np.int64)
    at = (by_day - monday.toordinal()) // 7
    inside = (at >= 0) & (at < weeks)
    sold = np.frombuffer(units, np.int64)[inside]
    np.add.at(table, (np.frombuffer(rows, np.int64)[inside], at[inside]), sold)
    keys = list(product_row)
    return _rolled_up(keys, name_items(keys), table, monday)


def whole_weeks(ordinals: IntArray) -> tuple[date, int]:
    """(first Monday, number of weeks) wholly between the first and the last day of sales.

    ``ordinals``: days as ``date.toordinal`` counts them. Raises :class:`DemandError` where
    they hold no whole week.
    """
    if len(ordinals):
        first, last = date.fromordinal(int(ordinals.min())), date.fromordinal(int(ordinals.max()))
        monday = first + timedelta(days=-first.weekday() % 7)
        weeks = (last + timedelta(days=1) - monday).days // 7
        if weeks > 0:
            return monday, weeks
    raise DemandError(
        "The orders hold no whole week of sales, Monday to Sunday; co-demand needs several months."
    )


def midnight(day: date) -> datetime:
    """The first moment of a day in the host's ``TIME_ZONE``."""
    return times.aware(day)


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _rolled_up(
    keys: list[Any], item_of: Sequence[str], table: IntArray, monday: date
) -> WeeklySales:
    names = sorted(set(item_of))
    row = {name: at for at, name in enumerate(names)}
    units = np.zeros((len(names), table.shape[1]), np.int64)
    np.add.at(units, [row[name] for name in item_of], table)
    totals = table.sum(axis=1)
    members: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
    for at in sorted(range(len(keys)), key=lambda at: (-totals[at], str(keys[at]))):
        members[item_of[at]] += (str(keys[at]),)
    return WeeklySales(tuple(names), monday, units, members)
