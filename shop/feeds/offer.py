"""Price and availability of a product, each from several cells."""

import re
from typing import NamedTuple

from shop.feeds import values
from shop.feeds.cells import Cells
from shop.feeds.money import Price, parse_price
from shop.feeds.product import RowRefused
from shop.feeds.values import Availability


class Stock(NamedTuple):
    """``number`` in stock, or ``orderable`` if the number does not decide that.

    ``if_new``: the number of a new product with an unreadable availability.
    """

    number: int | None
    orderable: bool | None
    if_new: int | None = None


def read_price(cells: Cells) -> Price | None:
    """Return the price to pay: the sale price during the sale. Ignore a sale price of 0."""
    price = _money(cells, "price")
    sale = cells.optional(_money, cells, "sale_price")
    if sale is None or not sale.amount:
        return price
    if price and sale.currency and price.currency and sale.currency != price.currency:
        cells.remarks.append(f"the sale price is in {sale.currency}, the price is not")
    elif price and price.amount and sale.amount > price.amount:
        cells.remarks.append(f"the sale price {sale.amount} is above the price {price.amount}")
    elif cells.optional(_sale_runs, cells):
        return Price(sale.amount, sale.currency or (price.currency if price else ""))
    return price


def read_currency(cells: Cells) -> str:
    """Return the currency of prices without a currency."""
    named = (cells.said("currency") or "").strip().upper()
    if named and not re.fullmatch("[A-Z]{3}", named):
        raise RowRefused(f"currency {named!r} is not a code such as EUR")
    return named or cells.mapping.defaults.get("currency", "")


def read_stock(cells: Cells) -> Stock:
    """Return the number in stock, and whether the product can be ordered.

    If stock is not tracked, or the product may be sold beyond it or ordered ahead, the number
    does not make it sold out.
    """
    text = cells.said("availability") or ""
    said = cells.optional(values.parse_availability, text)
    is_unclear = said is None and bool(text.strip())
    number = _number(cells)
    if isinstance(number, Availability):
        said, number = said or number, None
    if said is Availability.OUT:
        return Stock(None if number is None else 0, False)
    beyond = said is Availability.AHEAD or _may_be_oversold(cells)
    if not _is_tracked(cells) or (beyond and not number):
        return Stock(None, True)
    if said is None:
        return Stock(number, None, 0 if is_unclear and number is None else None)
    return Stock(number, True)


def _money(cells: Cells, field: str) -> Price | None:
    text = cells.said(field) or ""
    if values.is_none(text):
        return None
    return parse_price(text, cells.mapping.defaults.get("decimal_point", ""), read_currency(cells))


def _sale_runs(cells: Cells) -> bool:
    start, end = values.parse_interval(cells.said("sale_dates") or "")
    start, end = start or cells.said("sale_from") or "", end or cells.said("sale_to") or ""
    return values.runs_now(start, end)


def _number(cells: Cells) -> int | Availability | None:
    text = cells.said("stock") or ""
    stock = cells.optional(values.parse_stock, text)
    if isinstance(stock, int) and stock > 999 and re.search(r"\d[.,]\d{3}\b", text):
        cells.remarks.append(f"stock {text!r} was read as {stock}")
    return stock


def _is_tracked(cells: Cells) -> bool:
    """Return False if the file has a column for it and the cell is empty or says no."""
    said = cells.said("stock_tracked")
    if said is None:
        return True
    said = said.strip().casefold()
    return bool(said) and not values.NO.fullmatch(said)


def _may_be_oversold(cells: Cells) -> bool:
    said = (cells.said("oversell") or "").strip().casefold()
    return said in ("continue", "notify", "2") or bool(values.YES.fullmatch(said))
