"""Prices in common notations."""

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from shop.feeds.currencies import CODES, DECIMALS, SYMBOLS, of_symbol
from shop.feeds.product import RowRefused

MAX_PRICE = Decimal("99999999.99")
NUMBER = re.compile(r"[0-9]+(?:[.,'’٫٬ ][0-9]+)*|[.,][0-9]{1,2}")
_PLAIN = re.compile(r"[0-9.,' ]*")
_LETTERS = r"[^\W\d_]"
_CODE = re.compile(rf"(?<!{_LETTERS})[A-Za-z]{{3}}(?!{_LETTERS})")
_BETWEEN = re.compile(r"(\d)\s?([€$£₽])\s?(\d\d)$")  # 19€99


class Price(NamedTuple):
    amount: Decimal
    currency: str  # ISO 4217, empty if the text has no currency


def parse_price(text: str, point: str = "", currency: str = "") -> Price | None:
    """Return the price in ``text``, or None if it is empty.

    Reads ``19.99 EUR``, ``$1,299.00``, ``1.299,00 €``, ``1 299,–``, ``CHF 1'299.50``. ``point`` is
    the decimal point that the file's format prescribes; ``currency`` is the default
    currency. Half a cent rounds up.

    A single separator before three digits separates thousands (``1.299`` is 1299), except after a
    lone zero and in currencies of three decimals (``12.500 KWD``). If the format prescribes
    that separator as its decimal point, and the currency has no third decimal, it is ambiguous.

    Raise :class:`RowRefused` for an ambiguous or negative price, for a price that the shop cannot
    store, and for any other text.
    """
    rest = unicodedata.normalize("NFKC", text).strip()
    if not rest:
        return None
    rest = _BETWEEN.sub(r"\1.\3 \2", rest)
    found, rest = _take_currency(rest, currency)
    rest = re.sub(r"[.,:]?\s*[-–—=]+$", "", rest.strip())  # 19,– and 19.-
    if re.match(r"[-−]\s*\d", rest):
        raise RowRefused(f"price {text!r} is negative")
    if not NUMBER.fullmatch(rest):
        raise RowRefused(f"price {text!r} is not a price such as '19.99 EUR'")
    number = _plain_number(rest, text, point, DECIMALS.get(found or currency, 2))
    amount = Decimal(number).quantize(Decimal("0.01"), ROUND_HALF_UP)
    if amount > MAX_PRICE:
        raise RowRefused(f"price {text!r} is more than {MAX_PRICE}")
    return Price(amount, found)


def _take_currency(text: str, expected: str) -> tuple[str, str]:
    """Return the currency in ``text`` and the rest; a code counts before a symbol."""
    found = ""
    code = next((m for m in _CODE.finditer(text) if _is_code(m[0])), None)
    if code:
        found = code[0].upper()
        text = text[: code.start()] + text[code.end() :]
    if _PLAIN.fullmatch(text):
        return found, text
    for symbol in SYMBOLS:
        start = text.casefold().find(symbol.casefold())
        end = start + len(symbol)
        if start >= 0 and not _goes_on(symbol, text, start, end):
            found = found or of_symbol(symbol, expected)
            return found, (text[:start] + text[end:]).strip(" .") if symbol.isalpha() else (
                text[:start] + text[end:]
            )
    return found, text


def _is_code(word: str) -> bool:
    return word.upper() in CODES or (word.isupper() and word.isascii())


def _goes_on(symbol: str, text: str, start: int, end: int) -> bool:
    """Return True if a symbol of letters is only a part of a word."""
    before, after = text[max(start - 1, 0) : start], text[end : end + 1]
    letters = symbol[0].isalpha() and before.isalpha(), symbol[-1].isalpha() and after.isalpha()
    return any(letters)


def _plain_number(number: str, text: str, point: str, decimals: int) -> str:
    """Return ``number`` without thousands separators and with a dot before its decimals."""
    number = re.sub(r"['’٬ ]", "", number).replace("٫", ".")
    point = _decimal_point(number, text, point, decimals)
    whole, _, fraction = number.rpartition(point) if point else (number, "", "")
    groups = re.split(r"[.,]", whole)
    well_grouped = (
        len(groups[-1]) == 3 and len(groups[0]) <= 3 and all(len(g) in (2, 3) for g in groups[1:])
    )
    if len(groups) > 1 and not well_grouped:
        raise RowRefused(f"price {text!r} is not a price such as '1,299.00'")
    return f"{''.join(groups) or 0}.{fraction or 0}"


def _decimal_point(number: str, text: str, point: str, decimals: int) -> str:
    separators = re.findall(r"[.,]", number)
    if not separators:
        return ""
    last = separators[-1]
    if len(set(separators)) == 2:
        return last if separators.count(last) == 1 else ""
    if len(separators) > 1:
        return ""
    whole, _, fraction = number.rpartition(last)
    if len(fraction) != 3 or len(whole) > 3 or whole in ("", "0"):
        return last
    if decimals == 3:
        if point and last != point:
            raise RowRefused(_unclear(text, whole, fraction))
        return last
    if decimals == 0 or last != point:
        return ""
    raise RowRefused(_unclear(text, whole, fraction))


def _unclear(text: str, whole: str, fraction: str) -> str:
    return (
        f"price {text!r} may be {whole}{fraction} or {whole}.{fraction}; "
        f"write {whole}{fraction}.00 or a price with two decimals"
    )
