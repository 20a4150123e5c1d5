"""The price that a query names: ``under 50 €``, ``20-50 euro``, ``unter 30``."""

import re
from decimal import Decimal
from typing import NamedTuple

from similarity.catalog.numbers import UNITS


class PriceRange(NamedTuple):
    """The price range of a query; either end may be open: ``under 50``."""

    low: Decimal | None = None
    high: Decimal | None = None
    #: True with a currency, cents or a word for price. Without them ``under 3`` may be an age or a
    #: size, and is a price only if no product holds the number as a word.
    certain: bool = True
    #: The words of the price in the query, normalised.
    text: str = ""


class PriceReading(NamedTuple):
    """A query's text with and without the words of the price."""

    price: PriceRange | None
    #: The text without the price.
    rest: str
    #: The text with the numbers of the price as words; equal to ``rest`` without a price.
    as_words: str


_SIGN = "[€$£¥₹₩₺₽₴₫฿₱₪₦円元원]"
_CODES = (
    "eur|euros?|usd|dollars?|bucks|gbp|quid|chf|francs?|franken|jpy|yen|cny|rmb|yuan|inr|rs|rupees?"
    "|rupien|try|tl|lira|rub|uah|pln|zl|zloty|czk|kc|huf|sek|nok|dkk|kr|kronor|kroner|cad|aud|nzd"
    "|mxn|pesos?|brl|reais|krw|won|руб[а-я]{0,5}|грн|гривен|vnd|thb|baht|idr|rp|ils|zar|aed|sar"
)
_CURRENCY = rf"(?:{_SIGN}|(?:{_CODES})(?![^\W_]))"
#: ``50,-`` is also a price.
_EVEN = r"[.,]-{1,2}(?![\w-])"
_NUMBER = r"\d{1,3}(?:\.\d{3})+(?!\d)|\d{1,7}(?:\.\d{1,2})?"


def _amount(name: str) -> str:
    return (
        rf"(?P<before_{name}>{_CURRENCY}\s?)?(?P<{name}>{_NUMBER})"
        rf"(?P<after_{name}>\s?{_CURRENCY}|{_EVEN})?"
    )


#: Numbers of other things than money: ``under 5 kg``, ``over 3 years``, ``up to 4 players``.
_COUNTED = (
    "years?|yrs?|yo|months?|mos?|weeks?|days?|hours?|hrs?|min|mins|minutes?|sec|seconds?|degrees?"
    "|players?|people|persons?|kids|stars?|pages?|sizes?|watts?|miles?|km|kmh|mph|sqm|yards?|f|c"
    "|jahre?n?|monate?n?|tage?n?|stunden|personen|stuck|zoll|grad|ans|mois|jours|personnes|pouces"
    "|anos|meses|dias|personas|anni|mesi|persone|jaar|maanden|personen|dpi|psi|bar|rpm|amps?|lumens?"
)
_UNITS = "|".join(sorted(UNITS, key=len, reverse=True))
_END = rf"(?![\w.]|-\d|%|\s?(?:{_UNITS}|{_COUNTED}|°)(?![^\W_]))"
_BEGIN = r"(?<![^\W_])"

#: Words before the highest price; those of the second group need a currency.
_BELOW = (
    "under|below|less than|cheaper than|up to|not? more than|not over|at most"
    "|unter|weniger als|billiger als|gunstiger als|hochstens|bis zu"
    "|moins de|moins cher que|jusqu'a|menos de|por debajo de|mas barato que|hasta"
    "|meno di|fino a|sotto i|minder dan|onder|goedkoper dan|ponizej|mindre an"
    "|дешевле|не дороже|меньше"
)
_BELOW_WITH_CURRENCY = (
    "max(?:imum|imal|imo|imaal)?\\.?|bis|tot|massimo|sotto|for|upto|within|budget|do|до"
)
_ABOVE = (
    "over|above|more than|at least|uber|mehr als|mindestens|plus de|mas de|mais de|piu di|oltre"
    "|meer dan|boven|starting at|дороже|больше"
)
_ABOVE_WITH_CURRENCY = "min(?:imum|imal|imo|imaal)?\\.?|from|ab|von|desde|a partir de|vanaf|des|от"
_PRICE_WORD = (
    "price[ds]?|pricing|costs?|costing|cheap(?:er)?|budget|preis|prix|precio|preco|prezzo|prijs"
)
_CHEAPER = re.compile(
    "cheaper|billiger|gunstiger|moins cher|mas barato|goedkoper|budget|дешевле|не дороже|дороже"
)
#: ``por menos de 20 euros``
_FOR = r"(?:(?:for|fur|por|pour|per|voor|a)\s)?"
_TWO = re.compile(
    rf"{_BEGIN}(?:(?P<pair>between|zwischen|entre|tra|tussen|from|von|de|da)\s)?{_amount('low')}"
    rf"\s?(?P<to>-|to|and|bis|und|et|y|e|a|en|tot)\s?{_amount('high')}{_END}"
)
_BOUND = re.compile(
    rf"(?:{_BEGIN}(?:(?P<price>{_PRICE_WORD})\s)?{_FOR}"
    rf"(?:(?P<below>{_BELOW})|(?P<above>{_ABOVE})|(?P<weak_below>{_BELOW_WITH_CURRENCY})"
    rf"|(?P<weak_above>{_ABOVE_WITH_CURRENCY}))\s|(?P<sign>[<>≤≥]=?)\s?){_amount('low')}{_END}"
)
_AFTER = re.compile(
    rf"(?<![\w.]){_amount('low')}(?:\s(?P<or_less>(?:or|and|oder|und|ou|o)\s(?:less|under|below"
    rf"|weniger|darunter|moins|menos))(?![^\W_])|\s?(?P<weak_below>(?:max(?:imum|imal)?|alti)(?![^\W_])"
    rf"|以下|以内|未満|이하|미만)|\s?(?P<weak_above>(?:or|and|oder|und)\s(?:more|mehr|up)(?![^\W_])"
    rf"|以上|이상))"
)
_PAIRS = frozenset(["between", "zwischen", "entre", "tra", "tussen"])


def read_price(text: str) -> PriceReading:
    """Split the price from a query, which is normalised except for ``-unwanted`` and phrases."""
    for pattern, understand in ((_TWO, _two), (_BOUND, _bound), (_AFTER, _bound)):
        for match in pattern.finditer(text):
            if price := understand(match):
                before, after = text[: match.start()], text[match.end() :]
                numbers = " ".join(match[name] for name in ("low", "high") if _group(match, name))
                rest, as_words = f"{before} {after}", f"{before} {numbers} {after}"
                return PriceReading(price, rest, as_words)
    return PriceReading(None, text, text)


def _two(match: re.Match[str]) -> PriceRange | None:
    certain = _has_currency(match, "low") or _has_currency(match, "high")
    if not certain and match["pair"] not in _PAIRS:
        return None  # 36-38 is a size, 1 to 3 an age
    low, high = sorted((_value(match["low"]), _value(match["high"])))
    return PriceRange(low, high, certain, match[0].strip())


def _bound(match: re.Match[str]) -> PriceRange | None:
    said = match[0].strip()
    certain = _has_currency(match, "low") or bool(re.search(r"\.\d\d$", match["low"]))
    certain = certain or bool(_group(match, "price") or _CHEAPER.match(said))
    weak = _group(match, "weak_below") or _group(match, "weak_above")
    if weak and not certain:
        return None  # "air max 270", "windows from 7"
    above = _group(match, "above") or _group(match, "weak_above")
    value = _value(match["low"])
    if above or (_group(match, "sign") or " ")[0] in ">≥":
        return PriceRange(value, None, certain, said)
    return PriceRange(None, value, certain, said)


def _has_currency(match: re.Match[str], name: str) -> bool:
    return bool(match[f"before_{name}"] or match[f"after_{name}"])


def _group(match: re.Match[str], name: str) -> str | None:
    return match.groupdict().get(name)


def _value(number: str) -> Decimal:
    """Return the number; ``1.000`` is a thousand, because no price has three decimals."""
    return Decimal(number.replace(".", "") if re.search(r"\.\d{3}$", number) else number)
