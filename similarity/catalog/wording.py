"""Texts as words, the same way for documents and for queries.

What comes out holds letters, digits and decimal points only, so that PostgreSQL's parser
finds no paths, hosts, versions or signed numbers in it, and nothing of a query can be
an operator.
"""

import re
import unicodedata
from collections.abc import Iterator

#: A longer word is cut: no shopper types it, and PostgreSQL bounds lexemes.
LONGEST = 40

_WORD = re.compile(r"\d+(?:\.\d+)+|[^\W_]+")
# Only from the beginning of a word on, or a long one would be tried from each of its letters.
_COMPOUND = re.compile(r"(?<![^\W_])[^\W_]+(?:-[^\W_]+)+")
_APOSTROPHES = re.compile("(?<=\\w)['\u2018\u2019\u02bc\u2032](?=\\w)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_DASHES = re.compile("[\u2010-\u2015\u2212\u00ad]")
_INCHES = re.compile("(?<=\\d)\\s?(?:\"|\u201d|\u2033|''|\u2032\u2032)")
#: Scripts without blanks between words: Chinese characters, hiragana and katakana.
_UNSPACED = (
    "\u3005\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
)
_RUNS = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_UNSPACED_LETTER = re.compile(f"[{_UNSPACED}]")
#: Letters that no decomposition turns into plain ones.
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)

#: Spelling of a unit → its canonical one.
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
_NUMBER = r"\d+(?:\.\d+)?"
_MEASURE = re.compile(
    rf"(?<![\w.])({_NUMBER})[\s-]?({'|'.join(sorted(UNITS, key=len, reverse=True))})(?!\w)"
)


def normalised(text: str) -> str:
    """In small plain letters, without accents; dashes, apostrophes and numbers made uniform."""
    text = text.replace("\0", " ").casefold()
    if not text.isascii():
        text = _without_marks(text)
    text = _APOSTROPHES.sub("", _DASHES.sub("-", text))
    return _DECIMAL_COMMA.sub(".", _THOUSANDS.sub("", _INCHES.sub("in ", text)))


def _without_marks(text: str) -> str:
    text = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", text)  # Hangul and kana belong together again


def words_of(text: str) -> list[str]:
    """The words in their order: ``"Levi's T-Shirt, 1,5 L"`` → ``levis t shirt 1.5 l``.

    Of a run of letters in a script without blanks each two neighbours are one, as search
    engines do that have no dictionary (Nie et al. 2000): 赤いシャツ → 赤い いシ シャ ャツ.
    """
    return [piece for word in _WORD.findall(normalised(text)) for piece in _pieces(word)]


def is_unspaced(text: str) -> bool:
    """Whether it holds a letter of a script without blanks, so that its words are pieces."""
    return not text.isascii() and bool(_UNSPACED_LETTER.search(text))


def extra_words_of(text: str) -> list[str]:
    """Words a text also answers to: ``t-shirt`` as ``tshirt``, ``100 ml`` as ``100ml``, 茶碗 as
    茶."""
    return list(dict.fromkeys(_extra_words(normalised(text))))


def measures_of(text: str) -> list[str]:
    """Numbers with a unit, in one spelling: ``100 ml`` and ``100ML`` are ``100ml``."""
    return list(dict.fromkeys(measure for measure, _start, _end in measures(normalised(text))))


def measures(text: str) -> Iterator[tuple[str, int, int]]:
    """(measure, start, end) in a text that is :func:`normalised` already.

    The decimal point is written ``d``, for a lexeme with a point would end there.
    """
    for match in _MEASURE.finditer(text):
        number = match[1].rstrip("0").rstrip(".") if "." in match[1] else match[1]
        yield f"{number.replace('.', 'd')}{UNITS[match[2]]}", match.start(), match.end()


def code_of(text: str) -> str:
    """A code as it is compared: ``AB-123/x`` → ``ab123x``."""
    return "".join(_WORD.findall(normalised(text))).replace(".", "")[:100]


def compounds_of(text: str) -> list[str]:
    """Words joined by hyphens, in a text that is :func:`normalised` already."""
    return [match[0] for match in _COMPOUND.finditer(text)]


def _pieces(word: str) -> Iterator[str]:
    if not is_unspaced(word):
        yield word[:LONGEST]
        return
    for run in _RUNS.findall(word):
        if is_unspaced(run) and len(run) > 2:
            yield from (run[at : at + 2] for at in range(len(run) - 1))
        else:
            yield run[:LONGEST]


def _extra_words(text: str) -> Iterator[str]:
    if is_unspaced(text):
        # A query may be one letter. The ranges hold places that no letter has been given yet.
        yield from filter(str.isalnum, _UNSPACED_LETTER.findall(text))
    for compound in compounds_of(text):
        yield compound.replace("-", "")[:LONGEST]
    for measure, _start, _end in measures(text):
        yield measure
