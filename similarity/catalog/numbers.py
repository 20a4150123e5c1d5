"""Numbers of a text in a uniform spelling: fractions, sizes in several directions, units."""

import re
from collections.abc import Iterator
from fractions import Fraction

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_INCHES = re.compile("(?<=\\d)\\s?(?:\"|\u201d|\u2033|''|\u2032\u2032)")
#: Only denominators of measures and parts: 24/7 and 50/50 are no fractions.
_FRACTION = re.compile(
    "(?<![\\w./])(?:(\\d{1,4})(?:\\s{1,2}|-))?([1-9]\\d?)[/\u2044]"
    "(2|3|4|8|16|32|64)(?!\\d|[/.\u2044]\\d)"
)
#: ``20 cm x 30 cm``: keep the unit once.
_SAME_UNIT = re.compile(
    "(?<=\\d)\\s{0,2}(mm|cm|m|inch|in|ft)\\s{0,2}[x\u00d7]\\s{0,2}"
    "(\\d+(?:\\.\\d+)?)\\s{0,2}(?=\\1(?!\\w))"
)
_TIMES = re.compile("(?<=\\d)\\s{0,2}[x\u00d7*]\\s{0,2}(?=\\d)")
_MAY_BE_SIZE = re.compile("\\d\\s{0,2}(?:[cfimnth]{1,4}\\s{0,2})?[x\u00d7*]\\s{0,2}\\d")
_POINTED_SIZE = re.compile(r"(?<![\d.])\d+(?:\.\d+)?(?:x\d+(?:\.\d+)?)+")
_SIZE = re.compile(r"[^\W\d_]{0,3}\d+(?:d\d+)?(?:x\d+(?:d\d+)?)+")
_VALUE_BELOW_ZERO = re.compile(r"(?<![\w.])(?<!\d\s)-(\d{1,4}(?:\.\d{1,3})?)(?![\w.])")
_SIZE_WITH_UNIT = re.compile(r"(?<=\d)(x\d+(?:d\d+)?)(mm|cm|m|in|inch|ft|ml|g|kg)(?!\w)")
#: A word with more directions is not a size.
_DIRECTIONS = 4

#: Spelling of a unit → its canonical spelling.
UNITS = {
    spelling: unit
    for unit, spellings in {
        "ml": "ml millilitre milliliter millilitres milliliters",
        "cl": "cl",
        "l": "l litre liter litres liters ltr",
        "mg": "mg",
        "g": "g gr gram grams gramme grammes",
        "kg": "kg kgs kilo kilos kilogram kilograms",
        "oz": "oz ounce ounces",
        "lb": "lb lbs pound pounds",
        "mm": "mm millimetre millimeter",
        "cm": "cm centimetre centimeter centimetres centimeters",
        "m": "m metre meter metres meters",
        "in": "in inch inches",
        "ft": "ft foot feet",
        "w": "w watt watts",
        "v": "v volt volts",
        "mah": "mah",
        "gb": "gb gigabyte gigabytes",
        "tb": "tb terabyte terabytes",
        "mb": "mb megabyte megabytes",
        "hz": "hz hertz",
        "pack": "pack packs pk count ct pcs pc piece pieces",
    }.items()
    for spelling in spellings.split()
}
_MEASURE = re.compile(
    r"(?<![\w.])(\d+(?:\.\d+|(?:d\d+)?(?:x\d+(?:d\d+)?)+)?)[\s-]?"
    rf"({'|'.join(sorted(UNITS, key=len, reverse=True))})(?!\w)"
)


def write_plainly(text: str) -> str:
    """Return folded text with numbers in a uniform spelling.

    ``1,000`` ``1½`` ``20 × 30`` → ``1000`` ``1.5`` ``20x30``; ``12"`` → ``12in``.
    """
    text = _DECIMAL_COMMA.sub(".", _THOUSANDS.sub("", _INCHES.sub("in ", text)))
    return join_sizes(_FRACTION.sub(_decimal, text))


def join_sizes(text: str) -> str:
    """Join the numbers of sizes: ``20 x 30 cm`` → ``20x30 cm``.

    The point of ``20.5 x 30`` becomes ``d``, because PostgreSQL splits a lexeme with a point and
    letters.
    """
    if not _MAY_BE_SIZE.search(text):
        return text
    for _ in range(_DIRECTIONS):
        text = _SAME_UNIT.sub(r"x\2 ", text)
    text = _POINTED_SIZE.sub(lambda size: size[0].replace(".", "d"), _TIMES.sub("x", text))
    return _SIZE_WITH_UNIT.sub(r"\1 \2", text)


def measures(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield (measure, start, end) of a plainly written text: ``1.50 litres`` → ``1d5l``.

    The decimal point becomes ``d``, because a lexeme with a point would end there.
    """
    for match in _MEASURE.finditer(text):
        number = match[1].rstrip("0").rstrip(".") if "." in match[1] else match[1]
        yield f"{number.replace('.', 'd')}{UNITS[match[2]]}", match.start(), match.end()


def is_number(word: str) -> bool:
    """Return True if a word is only a number."""
    return word.replace(".", "").isdecimal()


def is_size(word: str) -> bool:
    """Return True for a size such as ``20x30`` or ``m10x40``."""
    return bool(_SIZE.fullmatch(word))


def directions(size: str) -> list[str]:
    """Return the numbers of a size, each as a word: ``m10x40`` → ``m10``, ``40``."""
    return [number.replace("d", ".") for number in size.split("x") if number]


def below_zero(text: str) -> list[str]:
    """Return numbers with a minus, as words: ``-10 °C`` → ``minus10``."""
    return [f"minus{match[1].replace('.', 'd')}" for match in _VALUE_BELOW_ZERO.finditer(text)]


def _decimal(match: re.Match[str]) -> str:
    part = Fraction(int(match[2]), int(match[3]))
    if part >= 1:
        return match[0]
    return f"{int(match[1] or 0) + float(part):.4f}".rstrip("0").rstrip(".")
