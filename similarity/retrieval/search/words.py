"""What a query says: its words, phrases, what it leaves out, and the price it names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from similarity.catalog import wording

#: A longer query is cut; no shopper's is.
MAX_LENGTH = 300
MAX_WORDS = 24

_PHRASE = re.compile(r'(?:(?<=\s)|(?<=^)|(?<=-))["\u201c\u201e]([^"\u201c\u201d]+)["\u201d\u201c]')
_EXCLUDED = re.compile(r"(?:(?<=\s)|(?<=^))-(?=\S)(\S+)")

_CURRENCY = r"(?:[€$£¥]|(?:eur|euros?|usd|dollars?|gbp|chf)\b)"
_AMOUNT = rf"(?:{_CURRENCY}\s?)?(\d{{1,7}}(?:\.\d{{1,2}})?)(?:\s?{_CURRENCY})?"
#: A number of something else than money: ``under 5 kg``.
_END = rf"(?![\w.])(?!\s(?:{'|'.join(wording.UNITS)}|years?|months?)\b)"
_UNDER = re.compile(rf"\b(?:under|below|less than|cheaper than)\s{_AMOUNT}{_END}")
_OVER = re.compile(rf"\b(?:over|above|more than)\s{_AMOUNT}{_END}")
_BETWEEN = re.compile(rf"\bbetween\s{_AMOUNT}\s(?:and|to)\s{_AMOUNT}{_END}")


class PriceRange(NamedTuple):
    """What a query says of the price, either end open: ``under 50``."""

    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True)
class QueryWords:
    """A query, read; all words are as :func:`similarity.catalog.wording.words_of` gives them."""

    #: As it was typed, but for blanks and what lies beyond MAX_LENGTH.
    text: str
    #: Wanted words in their order, those of phrases included.
    words: tuple[str, ...] = ()
    #: Words in quotes, each wanted side by side.
    phrases: tuple[tuple[str, ...], ...] = ()
    #: Words after a minus.
    excluded: tuple[str, ...] = ()
    #: Numbers with their unit in one spelling: ``100ml``.
    measures: tuple[str, ...] = ()
    #: Compounds written as one: ``t-shirt`` → (("t", "shirt"), "tshirt").
    compounds: tuple[tuple[tuple[str, ...], str], ...] = ()
    price: PriceRange | None = None
    #: Whether the last word may still be typed: nothing follows it.
    open_end: bool = False

    @property
    def normalised(self) -> str:
        """The wanted words as one text: what queries are compared and cached by."""
        return " ".join(self.words)


def parse_query(text: str) -> QueryWords:
    """Read a query as a shopper writes it; any text will do.

    Understands ``"quoted phrases"``, ``-unwanted``, prices (``under 50``, ``between 10 and
    20 €``) and measures.
    """
    text = text[:MAX_LENGTH].encode("utf-8", "ignore").decode().replace("\0", " ")
    shown = " ".join(text.split())
    plain = wording.normalised(_INCH_MARKS.sub(r"\1in ", shown))
    phrases = [
        tuple(wording.words_of(match[1]))[:MAX_WORDS]
        for match in _PHRASE.finditer(plain)
        if plain[max(match.start() - 1, 0)] != "-"
    ]
    excluded, plain = _cut(plain)
    price, plain = _price(plain)
    words = tuple(wording.words_of(plain)[:MAX_WORDS])
    return QueryWords(
        text=shown,
        words=words,
        phrases=tuple(phrase for phrase in phrases if phrase),
        excluded=tuple(excluded[:MAX_WORDS]),
        measures=tuple(wording.measures_of(plain)),
        compounds=tuple(_compounds(plain)),
        price=price,
        open_end=bool(words) and text[-1:].isalnum() and not price,
    )


#: ``15"`` is a size where no quotation is open.
_INCH_MARKS = re.compile(r'(?<![\w"])(\d+(?:[.,]\d+)?)(?:"|\u201d|\u2033)(?=[\s,x]|$)')


def _cut(text: str) -> tuple[list[str], str]:
    """(words after a minus, the text without them and without quotes)."""
    excluded: list[str] = []

    def phrase(match: re.Match[str]) -> str:
        if match.start() and text[match.start() - 1] == "-":
            excluded.extend(wording.words_of(match[1]))
            return " "
        return f" {match[1]} "

    def word(match: re.Match[str]) -> str:
        excluded.extend(wording.words_of(match[1]))
        return " "

    text = _PHRASE.sub(phrase, text)
    return excluded, _EXCLUDED.sub(word, text)


def _price(text: str) -> tuple[PriceRange | None, str]:
    for pattern, low, high in ((_BETWEEN, 1, 2), (_UNDER, None, 1), (_OVER, 1, None)):
        if match := pattern.search(text):
            given = PriceRange(
                Decimal(match[low]) if low else None, Decimal(match[high]) if high else None
            )
            return given, f"{text[: match.start()]} {text[match.end() :]}"
    return None, text


def _compounds(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    for written in wording.compounds_of(text):
        yield tuple(wording.words_of(written)), written.replace("-", "")
