"""Read orders of a public data set: invoice lines as sales by day and as baskets."""

import csv
import gzip
import re
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from similarity.exceptions import ConfigurationError
from similarity.orders.adapter import Sale
from similarity.orders.counting.engine import Baskets
from similarity.planning.demand import WeeklySales

#: Codes of products have five digits and up to two letters; postage and fees have other codes.
PRODUCT = re.compile(r"^[0-9]{5}")
EPOCH = date(1970, 1, 1).toordinal()
#: Above every customer's number. The data set distinguishes guests only by their invoices.
GUESTS = 10**9


@dataclass
class RetailOrders:
    """Lines in columns: order, product (both by number), units, day since 1970-01-01."""

    products: list[str] = field(default_factory=list)
    shoppers: array = field(default_factory=lambda: array("q"))  # of each order
    days: array = field(default_factory=lambda: array("i"))  # of each order
    order: array = field(default_factory=lambda: array("i"))
    product: array = field(default_factory=lambda: array("i"))
    units: array = field(default_factory=lambda: array("i"))

    def sales(self) -> Iterator[Sale]:
        """Yield units by product and day, in the order of days."""
        sold: dict[tuple[int, int], int] = defaultdict(int)
        for order, product, units in zip(self.order, self.product, self.units, strict=True):
            sold[self.days[order], product] += units
        for (day, product), units in sorted(sold.items()):
            yield Sale(self.products[product], date.fromordinal(EPOCH + day), units)

    def baskets_until(self, end: date) -> tuple[Baskets, list[str]]:
        """Return baskets of orders before ``end``, and the items' names.

        Each item is in a basket once.
        """
        days = np.frombuffer(self.days, np.int32)
        order, product = (np.frombuffer(column, np.int32) for column in (self.order, self.product))
        keep = days[order] < end.toordinal() - EPOCH
        line = np.unique(order[keep].astype(np.int64) * len(self.products) + product[keep])
        kept, basket = np.unique(line // len(self.products), return_inverse=True)
        baskets = Baskets(
            basket=basket.astype(np.int32),
            item=(line % len(self.products)).astype(np.int32),
            shopper=np.frombuffer(self.shoppers, np.int64)[kept],
            day=days[kept],
            items=len(self.products),
        )
        return baskets, [f"product:{key}" for key in self.products]

    def weekly_together(
        self, sales: WeeklySales, pairs: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Return (item, partner) → by week: orders with both, orders with the item."""
        orders_of: dict[str, set[int]] = defaultdict(set)
        wanted = list(pairs)
        names = {name for pair in wanted for name in pair}
        for order, product in zip(self.order, self.product, strict=True):
            name = f"product:{self.products[product]}"
            if name in names:
                orders_of[name].add(order)
        first = sales.monday.toordinal() - EPOCH
        week = (np.frombuffer(self.days, np.int32) - first) // 7

        def by_week(orders: set[int]) -> npt.NDArray[np.int64]:
            weeks = week[np.fromiter(orders, np.int64, len(orders))]
            inside = weeks[(weeks >= 0) & (weeks < sales.weeks)]
            return np.bincount(inside, minlength=sales.weeks).astype(np.int64)

        return {
            (a, b): (by_week(orders_of[a] & orders_of[b]), by_week(orders_of[a])) for a, b in wanted
        }


def read_online_retail(folder: Path) -> RetailOrders:
    """Read the UCI data set "Online Retail" without cancellations, fees and returned lines.

    Raises :class:`ConfigurationError` if the file is missing or has another form.
    """
    path = folder / "online_retail.csv.gz"
    try:
        with gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="") as file:
            return _read(csv.DictReader(file))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"There is no {str(path)!r}; name the folder of data sets by --data-dir or "
            "SIMILARITY_DATA_DIR."
        ) from error
    except (KeyError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"{str(path)!r} cannot be read ({type(error).__name__}: {error}); it needs the columns "
            "InvoiceNo, StockCode, Quantity, InvoiceDate and CustomerID."
        ) from error


def _read(rows: Iterable[dict[str, Any]]) -> RetailOrders:
    read = RetailOrders()
    products: dict[str, int] = {}
    orders: dict[str, int] = {}
    for row in rows:
        invoice, code, units = row["InvoiceNo"], row["StockCode"].upper(), int(row["Quantity"])
        if invoice.startswith("C") or units <= 0 or not PRODUCT.match(code):
            continue
        if invoice not in orders:
            orders[invoice] = len(orders)
            read.days.append(date.fromisoformat(row["InvoiceDate"][:10]).toordinal() - EPOCH)
            # A guest is a separate shopper for each order.
            customer = row["CustomerID"].partition(".")[0]
            read.shoppers.append(int(customer) if customer else GUESTS + len(orders))
        read.order.append(orders[invoice])
        read.product.append(products.setdefault(code, len(products)))
        read.units.append(units)
    read.products = list(products)
    return read
