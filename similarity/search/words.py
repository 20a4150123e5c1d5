"""A parsed query: its words, phrases, excluded words and price."""

import re
from dataclasses import dataclass

from similarity.catalog import numbers, wording
from similarity.catalog.wording import Compound
from similarity.search.prices import PriceRange, read_price

__all__ = ["PriceRange", "QueryWords", "parse_query"]

#: Longer queries are cut; shoppers do not type them.
MAX_LENGTH = 300
MAX_WORDS = 24

_PHRASE = re.compile(r'(?:(?<=\s)|(?<=^)|(?<=-))["\u201c\u201e]([^"\u201c\u201d]+)["\u201d\u201c]')
#: A minus before a number makes a value below zero.
_EXCLUDED = re.compile(r"(?:(?<=\s)|(?<=^))-(?![\d.])(?=\S)(\S+)")


@dataclass(frozen=True)
class QueryWords:
    """A parsed query; its words are as :func:`similarity.catalog.wording.words_of` returns them."""

    #: As typed, but with single blanks and cut at MAX_LENGTH.
    text: str
    #: Wanted words in their order, those of phrases included.
    words: tuple[str, ...] = ()
    #: Words in quotes; each phrase is wanted side by side.
    phrases: tuple[tuple[str, ...], ...] = ()
    #: Words after a minus.
    excluded: tuple[str, ...] = ()
    #: Numbers with their unit in one spelling: ``100ml``.
    measures: tuple[str, ...] = ()
    #: Words set together: ``t-shirt``, ``h&m``.
    compounds: tuple[Compound, ...] = ()
    #: Numbers with a minus: ``minus10``.
    below_zero: tuple[str, ...] = ()
    price: PriceRange | None = None
    #: If there is a price, the query with its numbers as words: ``puzzle under 3`` → ``puzzle 3``.
    as_words: str = ""
    #: True if the last word may be unfinished, because it ends the text.
    open_end: bool = False

    @property
    def normalised(self) -> str:
        """Return the wanted words as one text, by which queries are compared and cached."""
        return " ".join(self.words)

    @property
    def negated(self) -> list[tuple[int, int, str]]:
        """Return (start, end, thing) of the words that negate a thing: ``no sugar``."""
        places = [
            (at, wording.thing_after(self.words, at))
            for at, word in enumerate(self.words)
            if word in wording.NEGATIONS and at
        ]
        return [(at, thing + 1, self.words[thing]) for at, thing in places if thing is not None]


def parse_query(text: str, *, prices: bool = True) -> QueryWords:
    """Parse a shopper's query; any text is accepted.

    Understands ``"quoted phrases"``, ``-unwanted``, prices (``under 50``, ``between 10 and 20 €``)
    and measures. Without ``prices`` all its numbers are words.
    """
    text = text[:MAX_LENGTH].encode("utf-8", "ignore").decode().replace("\0", " ")
    shown = " ".join(text.split())
    plain = wording.uniform(_INCH_MARKS.sub(r"\1in ", shown))
    phrases = [
        tuple(wording.words_of(match[1]))[:MAX_WORDS]
        for match in _PHRASE.finditer(plain)
        if plain[max(match.start() - 1, 0)] != "-"
    ]
    excluded, plain = _cut(plain)
    read = read_price(plain)
    price = read.price if prices else None
    plain = read.rest if prices else read.as_words
    words = tuple(wording.words_of(plain)[:MAX_WORDS])
    return QueryWords(
        text=shown,
        words=words,
        phrases=tuple(phrase for phrase in phrases if phrase),
        excluded=tuple(excluded[:MAX_WORDS]),
        measures=tuple(wording.measures_of(plain)),
        compounds=tuple(wording.compounds_of(plain)),
        below_zero=tuple(numbers.below_zero(plain)),
        price=price,
        as_words=" ".join(read.as_words.split()) if price else "",
        open_end=bool(words) and text[-1:].isalnum() and not price,
    )


#: ``15"`` is a size if no quotation is open.
_INCH_MARKS = re.compile(r'(?<![\w"])(\d+(?:[.,]\d+)?)(?:"|\u201d|\u2033)(?=[\s,x]|$)')


def _cut(text: str) -> tuple[list[str], str]:
    """Return (words after a minus, the text without them and without quotes)."""
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
