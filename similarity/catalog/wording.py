"""Words of texts, split the same way for documents and queries.

The words hold only letters, digits and decimal points. So PostgreSQL's parser finds no paths,
hosts, versions or signed numbers in them, and no part of a query can be an operator.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from similarity.catalog import numbers
from similarity.catalog.folding import MARKS, fold

#: Words before an absent thing.
NEGATIONS = frozenset(["no", "without", "ohne", "sans", "sin", "senza", "sem", "zonder"])
#: Read so only in catalogue texts, because in a query a brand or name may begin with them.
_DESCRIBED = NEGATIONS | {"non", "zero"}
_FREE = ("free", "frei", "less")
_FROM = ("of", "from", "von")
#: Words that may stand between: ``without any added sugar``.
_BETWEEN = frozenset(["the", "a", "an", "any", "added", "more", "all"])
#: Words that are never the absent thing: ``for free``, ``and free shipping``.
_NO_THINGS = frozenset(
    ["for", "is", "and", "or", "with", "get", "buy", "of", "from", "you", "a", "the"]
)
_SHORTEST = 3


def negated(words: Sequence[str]) -> Iterator[str]:
    """Yield ``nosugar`` for each thing that the words of a catalogue's text call absent."""
    for at, word in enumerate(words):
        if word in _DESCRIBED and (thing := thing_after(words, at)):
            yield spelled(words[thing])
        if word in _FREE[:2]:
            if at + 2 < len(words) and words[at + 1] in _FROM and _is_thing(words[at + 2]):
                yield spelled(words[at + 2])
        elif word.endswith(_FREE) and len(word) >= len("free") + 4:
            yield spelled(word[: -len("free")])
    for _at, before in things_before(words):
        yield spelled(before)


def things_before(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield (place of the ``free``, ``sugar``) of ``sugar free``."""
    for at, word in enumerate(words):
        if word in _FREE[:2] and at and _is_thing(words[at - 1]):
            yield at, words[at - 1]


def thing_after(words: Sequence[str], at: int) -> int | None:
    """Return the place of the thing that word ``at`` negates; a number is no thing (``no 5``)."""
    following = range(at + 1, min(at + 4, len(words)))
    thing = next((one for one in following if words[one] not in _BETWEEN), None)
    return thing if thing is not None and _is_thing(words[thing]) else None


def spelled(thing: str) -> str:
    return f"no{thing}"


def _is_thing(word: str) -> bool:
    return len(word) >= _SHORTEST and word.isalpha() and word not in _NO_THINGS


#: The "and" of rock 'n' roll.
AND = "n"
#: Words that join their neighbours: ``h and m``.
ANDS = (AND, "and", "und", "et", "y")
_SHORT_NAME = 6

#: A longer word is cut: shoppers do not type it, and PostgreSQL limits the length of lexemes.
LONGEST = 40

# A decimal number ends a word: "usb3.0" is "usb 3.0". Bounded, because each letter tries it.
_LETTER = r"(?!\d{1,9}\.\d)[^\W_]"
_WORD = re.compile(rf"\d+(?:\.\d+)+|{_LETTER}(?:{_LETTER}|[{MARKS}])*")
# Match only from the start of a word; otherwise each letter of a long word would be tried.
_COMPOUND = re.compile(
    r"(?<![^\W_])(?:[^\W_]+(?:['&-][^\W_]+)+"  # t-shirt, h&m, levi's
    r"|[^\W\d_](?:\.[^\W\d_])+(?![^\W_])"  # u.s.a
    r"|[^\W\d_]{1,3}/[^\W\d_]{1,3}(?![^\W_/])"  # ac/dc
    r"|[^\W_]{1,2}\s&\s[^\W_]{1,2}(?![^\W_]))"  # h & m
)
_JOINTS = re.compile(r"[\s'&./-]+")
_APOSTROPHES = re.compile("['`\u2018\u2019\u02bc\u2032\u05f3\u05f4]")
_ELISION = re.compile(r"[^\W\d_]{1,2}'")
#: The "and" of rock'n'roll, with any placing of its apostrophes.
_ROCK_N_ROLL = re.compile(r"(?<=[^\W_])'n'(?=[^\W_])")
_ROCK_N = re.compile(r"(?<=[^\W_])\s?'n'?(?![^\W_])|(?<=\s)n'(?![^\W_])")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
#: Scripts without blanks between words: Chinese characters, hiragana, katakana, Thai, Lao, Burmese
#: and Khmer.
_IDEOGRAPHIC = (
    "\u3005\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
)
_UNSPACED = f"{_IDEOGRAPHIC}\u0e00-\u0e3e\u0e40-\u0eff\u1000-\u109f\u1780-\u17ff"
_RUNS = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_UNSPACED_LETTER = re.compile(f"[{_UNSPACED}]")
_IDEOGRAPH = re.compile(f"[{_IDEOGRAPHIC}]")
_LETTER_WITH_MARKS = re.compile(f".[{MARKS}]*")


class Compound(NamedTuple):
    """Words joined without a blank."""

    parts: tuple[str, ...]
    #: Spellings as one word: ``t-shirt`` → ``tshirt``, ``m&m's`` → ``mms``, ``mm``.
    joined: tuple[str, ...]
    #: The spelling in the text.
    written: str


def normalised(text: str) -> str:
    """Return plain lower-case text without accents; dashes, apostrophes and numbers uniform."""
    return unicodedata.normalize("NFC", uniform(text).replace("'", ""))


@lru_cache(maxsize=4)  # the same text is read for its words, its compounds and its measures
def uniform(text: str) -> str:
    """Return :func:`normalised` text that keeps apostrophes, as ``'``."""
    text = _DASHES.sub("-", fold(text)).replace("_", " ")
    text = numbers.write_plainly(text)
    text = _ROCK_N_ROLL.sub("-n-", _APOSTROPHES.sub("'", text))
    return _ROCK_N.sub(" n", text)


def words_of(text: str) -> list[str]:
    """Return the words in order: ``"Levi's T-Shirt, 1,5 L"`` → ``levis t shirt 1.5 l``.

    In a script without blanks, each two neighbouring letters are a word, as in search engines
    without a dictionary (Nie et al. 2000): 赤いシャツ → 赤い いシ シャ ャツ.
    """
    return list(_split(normalised(text)))


def is_unspaced(text: str) -> bool:
    """Return True if it has a letter of a script without blanks, so that its words are pieces."""
    return not text.isascii() and bool(_UNSPACED_LETTER.search(text))


def extra_words_of(text: str, *, near: bool = False) -> list[str]:
    """Return further words that a text matches.

    These are ``tshirt`` for ``t-shirt``, ``100ml`` for ``100 ml``, and for 茶碗 its single letters.
    With ``near`` they include ``tshirt`` for ``T shirt``.
    """
    words = _split(normalised(text))
    found = [*_extra_words(text, words), *(_near(words) if near else ())]
    return list(dict.fromkeys(word[:LONGEST] for word in found))


def measures_of(text: str) -> list[str]:
    """Return numbers with a unit, in a uniform spelling: ``100 ml`` and ``100ML`` are ``100ml``."""
    return list(dict.fromkeys(one for one, _start, _end in numbers.measures(normalised(text))))


def normalise_code(text: str) -> str:
    """Return a code in the form that search compares: ``AB-123/x`` → ``ab123x``."""
    return "".join(re.findall(r"[^\W_]+", fold(text)))[:100]


def compounds_of(text: str) -> Iterator[Compound]:
    """Yield words joined by a hyphen, an apostrophe, ``&`` or, if single letters, by dots."""
    for match in _COMPOUND.finditer(uniform(text)):
        written = match[0]
        parts = _split.__wrapped__(written.replace("'", ""))
        spellings = [written]
        if written.endswith("'s"):
            spellings.append(written[:-2])
        if elision := _ELISION.match(written):
            spellings.append(written[elision.end() :])
        if "&" in written:
            spellings.append(written.replace("&", AND))
        joined = dict.fromkeys(_JOINTS.sub("", one)[:LONGEST] for one in spellings)
        told = [one for one in joined if (one,) != parts and not one.isdecimal()]
        if not is_unspaced(written):
            yield Compound(parts, tuple(told), written)


def border_spellings(word: str) -> list[str]:
    """Return spellings with blanks between letters and digits.

    ``wh1000xm`` → ``wh 1000xm``, ``wh1000 xm``, ``wh 1000 xm``.
    """
    pieces = re.findall(r"\d+|(?:(?!\d).)+", word)
    if not 2 <= len(pieces) <= _MOST_PIECES or "." in word or is_unspaced(word):
        return []
    found = [pieces[0]]
    for piece in pieces[1:]:
        found = [f"{start}{joint}{piece}" for start in found for joint in ("", " ")]
    return found[1:]


#: A word with more borders is a code, and found by its code.
_MOST_PIECES = 4


@lru_cache(maxsize=4)
def _split(plain: str) -> tuple[str, ...]:
    """Return the words of a text that is :func:`normalised`."""
    if plain.isascii():
        words = [word[:LONGEST] for word in _WORD.findall(plain)]
    else:
        words = [piece for word in _WORD.findall(plain) for piece in _pieces(word)]
    # The signs between the numbers of a size are gone.
    return tuple(numbers.join_sizes(" ".join(words)).split() if "x" in plain else words)


def _pieces(word: str) -> Iterator[str]:
    if not is_unspaced(word):
        yield word[:LONGEST]
        return
    for run in filter(None, (run.lstrip(MARKS) for run in _RUNS.findall(word))):
        letters = _LETTER_WITH_MARKS.findall(run) if is_unspaced(run) else ()
        if len(letters) > 2:
            yield from ("".join(letters[at : at + 2])[:LONGEST] for at in range(len(letters) - 1))
        else:
            yield run[:LONGEST]


def _extra_words(text: str, words: Sequence[str]) -> Iterator[str]:
    if is_unspaced(text):
        # A query may be one letter. The ranges hold unassigned code points.
        yield from filter(str.isalnum, _IDEOGRAPH.findall(normalised(text)))
    for compound in compounds_of(text):
        yield from compound.joined
    plain = normalised(text)
    for measure, _start, _end in numbers.measures(plain):
        yield measure
        if "x" in measure:
            yield measure.rsplit("x", 1)[-1]
    for word in words:
        if "x" in word and numbers.is_size(word):
            yield from numbers.directions(word)
    yield from numbers.below_zero(plain)
    yield from negated(words)


def _near(words: Sequence[str]) -> Iterator[str]:
    """Yield single letters joined with the word beside them, because they mean little alone."""
    for at, word in enumerate(words):
        if len(word) == 1 and word.isalpha() and word.isascii():
            before, after = words[at - 1 : at], words[at + 1 : at + 2]
            yield from (f"{one}{word}" for one in before)
            yield from (f"{word}{one}" for one in after)
        if word in ANDS and 0 < at < len(words) - 1:
            yield from joined_by_and(words[at - 1], words[at + 1])


def joined_by_and(one: str, other: str) -> Iterator[str]:
    """Yield spellings of two words joined by *and* as one word: ``hm``, ``rocknroll``."""
    if len(one) + len(other) <= _SHORT_NAME:
        yield f"{one}{other}"
    yield f"{one}{AND}{other}"
