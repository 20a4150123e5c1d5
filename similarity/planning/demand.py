"""Read units sold by item and week from the host's orders.

An item is a product with its variants. Weeks start on Monday. Only whole weeks are kept, because
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

#: Two years: they show the yearly pattern twice, and older demand says little about the next month.
WEEKS = 104
WEEK = timedelta(days=7)
#: In a week with less than this share of the median week's units, the shop was closed.
CLOSED_SHARE = 0.1

#: Product keys → item names, in the same order.
NameItems = Callable[[Sequence[Any]], Sequence[str]]


@dataclass(frozen=True)
class WeeklySales:
    """Weekly sales: ``units`` int64 (I, W) sold by item and week; week 0 begins on ``monday``.

    ``members``: item → its product keys as text, the most sold first.
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
        """Return the units of the whole shop by week (W,)."""
        return self.units.sum(axis=0)

    @cached_property
    def traded(self) -> npt.NDArray[np.bool_]:
        """Return the weeks (W,) in which the shop was open; other weeks do not measure demand."""
        return self.of_shop >= CLOSED_SHARE * np.median(self.of_shop)

    @cached_property
    def row(self) -> dict[str, int]:
        """Return item → its row in ``units``."""
        return {name: at for at, name in enumerate(self.names)}

    def of(self, name: str) -> IntArray:
        """Return units of an item by week.

        Raises :class:`DemandError` for an item without sales.
        """
        if name not in self.row:
            raise DemandError(
                f"{name!r} had no sales in the {self.weeks} weeks from {self.monday}; "
                "choose another item, or more weeks."
            )
        return self.units[self.row[name]]

    def summed(self, label_of: Mapping[str, str]) -> "WeeklySales":
        """Return the sales by label, such as a category; leave out items without a label."""
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
        """Return the first ``weeks`` weeks, as known at that time."""
        return WeeklySales(self.names, self.monday, self.units[:, :weeks], self.members)

    def selling(self, weeks: int, units: int) -> "WeeklySales":
        """Return items that sold in at least ``weeks`` weeks and at least ``units`` units."""
        enough = ((self.units > 0).sum(axis=1) >= weeks) & (self.units.sum(axis=1) >= units)
        names = tuple(name for name, keep in zip(self.names, enough, strict=True) if keep)
        members = {name: self.members.get(name, ()) for name in names}
        return WeeklySales(names, self.monday, self.units[enough], members)


def read_weekly_sales(
    orders: OrderAdapter, weeks: int = WEEKS, today: date | None = None
) -> WeeklySales:
    """Read the last ``weeks`` whole weeks of sales, streamed.

    Raises :class:`DemandError` without a whole week of sales.
    """
    this_monday = monday_of(today or times.today())
    first = this_monday - weeks * WEEK
    return weekly_sales(orders.sales(midnight(first), midnight(this_monday)))


def weekly_sales(sales: Iterable[Sale], name_items: NameItems = item_names) -> WeeklySales:
    """Return sales by item and whole week, from the first to the last day with sales.

    Raises :class:`DemandError` without a whole week of sales.
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
    """Return (first Monday, number of weeks) within the first and the last day of sales.

    ``ordinals`` are days as ``date.toordinal`` counts them. Raises :class:`DemandError` if they
    contain no whole week.
    """
    if len(ordinals):
        first, last = date.fromordinal(int(ordinals.min())), date.fromordinal(int(ordinals.max()))
        monday = first + timedelta(days=-first.weekday() % 7)
        weeks = (last + timedelta(days=1) - monday).days // 7
        if weeks > 0:
            return monday, weeks
    raise DemandError(
        "The orders have no whole week of sales, Monday to Sunday; co-demand needs several months."
    )


def midnight(day: date) -> datetime:
    """Return the first moment of a day in the host's ``TIME_ZONE``."""
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
