"""Prices as people write them."""

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from shop.feeds.product import RowRefused

SYMBOLS = {
    "US$": "USD", "CA$": "CAD", "AU$": "AUD", "C$": "CAD", "A$": "AUD", "NZ$": "NZD",
    "R$": "BRL", "€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB",
    "₩": "KRW", "₺": "TRY", "₴": "UAH", "zł": "PLN", "Kč": "CZK", "Rs.": "INR", "Rs": "INR",
}  # fmt: skip
MAX_PRICE = Decimal("99999999.99")
NUMBER = re.compile(r"[0-9]+(?:[.,'’ ][0-9]+)*")


class Price(NamedTuple):
    amount: Decimal
    currency: str  # ISO 4217, empty where the text does not say


def parse_price(text: str) -> Price | None:
    """The price in ``text``, or None where it is empty.

    Reads ``19.99 EUR``, ``$1,299.00``, ``1.299,00 €``, ``1 299,–``, ``CHF 1'299.50``. One
    separator followed by exactly three digits sets thousands apart (``1.299`` is 1299),
    except after a lone zero. Half a cent rounds up.

    Raises :class:`RowRefused` for anything else, for a negative price, and for one that
    the shop cannot hold.
    """
    rest = unicodedata.normalize("NFKC", text).strip()
    if not rest:
        return None
    currency, rest = _take_currency(rest)
    rest = re.sub(r"[.,]\s*[-–—]+$", "", rest.strip())  # 19,– and 19.-
    if rest.startswith(("-", "−")):
        raise RowRefused(f"price {text!r} is negative")
    if not NUMBER.fullmatch(rest):
        raise RowRefused(f"price {text!r} is not a price such as '19.99 EUR'")
    amount = Decimal(_plain_number(rest, text)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    if amount > MAX_PRICE:
        raise RowRefused(f"price {text!r} is more than {MAX_PRICE}")
    return Price(amount, currency)


def _take_currency(text: str) -> tuple[str, str]:
    code = re.search(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])", text)
    if code:
        return code[0], text[: code.start()] + text[code.end() :]
    for symbol, currency in SYMBOLS.items():
        if symbol in text:
            return currency, text.replace(symbol, "", 1)
    return "", text


def _plain_number(number: str, text: str) -> str:
    """``number`` with its thousands joined and a dot before its decimals."""
    number = re.sub(r"['’ ]", "", number)
    point = _decimal_point(number)
    whole, _, decimals = number.rpartition(point) if point else (number, "", "")
    groups = re.split(r"[.,]", whole)
    well_grouped = (
        len(groups[-1]) == 3 and len(groups[0]) <= 3 and all(len(g) in (2, 3) for g in groups[1:])
    )
    if len(groups) > 1 and not well_grouped:
        raise RowRefused(f"price {text!r} is not a price such as '1,299.00'")
    return f"{''.join(groups)}.{decimals or 0}"


def _decimal_point(number: str) -> str:
    separators = re.findall(r"[.,]", number)
    if not separators:
        return ""
    last = separators[-1]
    if len(set(separators)) == 2:
        return last if separators.count(last) == 1 else ""
    whole, _, decimals = number.rpartition(last)
    thousands = len(separators) > 1 or (len(decimals) == 3 and len(whole) <= 3 and whole != "0")
    return "" if thousands else last
