"""Letters that compare as equal: the marks and forms that count depend on the script."""

import re
import unicodedata

#: Signs without meaning for a product; compatibility forms would turn some into letters.
_SIGNS = re.compile("[\0\u2122\u00ae\u00a9\u2120\u2117\u200b]")
_VULGAR_FRACTION = re.compile("(?<=\\d)(?=[\u00bc-\u00be\u2150-\u215e\u2189])")
#: Marks of Latin, Greek and Cyrillic letters, harakat and hamzas of Arabic, points of Hebrew, and
#: signs without a shape of their own. Marks of other scripts (the voicing of kana, vowel signs of
#: Indic scripts, tones of Thai) make another letter, and stay.
_FOLDED = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u00ad\u034f\u061c\u200c-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]+"
)
#: Letters that no decomposition turns into plain letters; for Arabic the forms that keyboards mix.
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
    | {"\u0629": "\u0647", "\u06c1": "\u0647", "\u0649": "\u064a", "\u06cc": "\u064a"}
    | {"\u0671": "\u0627", "\u06a9": "\u0643", "\u066b": ".", "\u066c": ","}
)
_OTHER_DIGIT = re.compile(r"(?![0-9])\d")


def fold(text: str) -> str:
    """Return plain lower-case letters and ASCII digits: ``Crème``, ``ＣＲＥＭＥ`` → ``creme``."""
    text = _SIGNS.sub(" ", text.casefold())
    if text.isascii():
        return text
    text = _VULGAR_FRACTION.sub(" ", text.replace("\u00b4", "'"))
    text = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS)
    text = _FOLDED.sub("", unicodedata.normalize("NFD", text)).translate(_LETTERS)
    text = _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)
    return unicodedata.normalize("NFC", text)  # compose Hangul and kana again


def _marks_of_letters() -> str:
    """Return marks that belong to the letter before them for a character class."""
    blocks = ((0x0900, 0x1CFF), (0x2DE0, 0x2DFF), (0x3099, 0x309A), (0xA800, 0xABFF))
    marks = (
        chr(code)
        for first, last in blocks
        for code in range(first, last + 1)
        if unicodedata.category(chr(code)) in ("Mn", "Mc") and not _FOLDED.match(chr(code))
    )
    return "".join(marks)


#: For a character class: marks that stay, and belong to the word of the letter before them.
MARKS = _marks_of_letters()
