"""Detect the code page of bytes by the most frequent letters of languages."""

import re
from itertools import pairwise
from typing import NamedTuple

#: Signs beside words in any language.
SIGNS = frozenset("“”„‘’‚‹›«»–—…°®™©€£§±²³½¼¾×µ•·¡¿º\u00a0\u3000、。（）「」・！：，،؛؟")
#: Signs after a letter.
_ENDS = frozenset("”’»›…™®°²³º·¡\u00a0\u3000、。（）「」・！：，،؛؟")
_VOWELS = frozenset("аеёиоуыэюяєіїαεηιουωάέήίόύώ")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f'’]+")
#: The share of signs and letters outside ASCII that must be right.
SURE = 0.85
#: Weight of a text in several languages against a text in a single language.
MIXED = 0.93
#: Letters of another script that are required to detect its code page.
FEW = 10
#: If another code page scores within this ratio, the result is ambiguous.
NEAR = 0.05


class Language(NamedTuple):
    """``letters``: the letters outside ASCII of a Latin alphabet, or all of another script.

    ``common``: the most frequent, which are about two thirds of any text; empty for Latin.
    """

    code_pages: tuple[str, ...]
    letters: str
    common: str = ""


_WEST = ("cp1252", "cp850", "mac_roman")
_CENTRAL = ("cp1250", "cp852", "iso8859-2")
_CYRILLIC = ("cp1251", "koi8-r", "cp866")
LANGUAGES = (
    Language(_WEST, "äöüß"),
    Language(_WEST, "àâæçéèêëîïôœùûüÿ"),
    Language(_WEST, "áéíñóúü"),
    Language(_WEST, "ãáâàçéêíóôõú"),
    Language(_WEST, "àèéìíòóù"),
    Language(_WEST, "åäöéæøü"),
    Language(_WEST, "éëèïöüáóê"),
    Language(_WEST, "áðéíóúýþæö"),
    Language(_CENTRAL, "ąćęłńóśźż"),
    Language(_CENTRAL, "áčďéěíňóřšťúůýž"),
    Language(_CENTRAL, "áäčďéíĺľňóôŕšťúýž"),
    Language(_CENTRAL, "áéíóöőúüű"),
    Language(_CENTRAL, "ăâîșțşţ"),
    Language(_CENTRAL, "čćđšž"),
    Language(("cp1254",), "çğıİöşüâî"),
    Language(("cp1257",), "ąčęėįšųūž"),
    Language(("cp1257",), "āčēģīķļņšūž"),
    Language(("cp1257",), "äöõüšž"),
    Language(_CYRILLIC, "абвгдеёжзийклмнопрстуфхцчшщъыьэюя", "оеаинтсрвлкм"),
    Language(("cp1251", "koi8-u"), "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя", "оаинвтерісклм"),
    Language(("cp1253",), "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ", "αοιετσνηυρπκ"),
    Language(("cp1255",), "אבגדהוזחטיךכלםמןנסעףפץצקרשת", "יוהלאמרתבנשד"),
    Language(("cp1256",), "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي", "اليمونرتبةعد"),
    Language(
        ("cp874",),
        "".join(map(chr, [*range(0xE01, 0xE3B), *range(0xE40, 0xE4F)])),
        "านรกเอ่งมว้ลยตสทดี",
    ),
)


_MIXTURES = tuple(
    Language(pages, "".join({letter for one in LANGUAGES if one.code_pages == pages
                             for letter in one.letters}))
    for pages in (_WEST, _CENTRAL)
)  # fmt: skip


def code_pages(sample: bytes) -> list[str]:
    """Return the code pages in which ``sample`` has words, best first, with near ones."""
    scores = {**_single_bytes(sample), **_double_bytes(sample)}
    best = max(scores.values(), default=0)
    if best < SURE:
        return []
    if scores.get("cp1252", 0) == best > MIXED:
        return ["cp1252"]  # among several fitting Latin alphabets, the most usual
    near = sorted((-score, page) for page, score in scores.items() if score >= best - NEAR)
    found: dict[str, str] = {}
    for _score, page in near:
        found.setdefault(
            sample.decode(page, "replace"), page
        )  # if no byte differs, the code pages are equal
    return list(found.values())


def _single_bytes(sample: bytes) -> dict[str, float]:
    scores: dict[str, float] = {}
    for page in dict.fromkeys(page for language in LANGUAGES for page in language.code_pages):
        text = sample.decode(page, "replace")
        for language in (*LANGUAGES, *_MIXTURES):
            if page in language.code_pages:
                score = _alphabetic(text, language, page == "cp1252")
                score *= MIXED if language in _MIXTURES else 1
                # Between two equal code pages the Windows one is more likely.
                score -= 0 if page.startswith("cp12") or page == "cp874" else 0.01
                scores[page] = max(scores.get(page, 0), score)
    return scores


def _alphabetic(text: str, language: Language, signs_suffice: bool) -> float:
    """Return the share of non-ASCII characters that fit words of ``language``.

    Return zero if there are more signs than letters, unless ``signs_suffice``.
    """
    others = [letter for letter in text if letter > "\x7f"]
    letters = frozenset(language.letters)
    right = common = written = 0.0
    for word in _WORD.findall(text):
        foreign = [letter for letter in word if letter > "\x7f" and letter not in SIGNS]
        if not foreign:
            continue
        known = sum(letter.lower() in letters or letter in letters for letter in foreign)
        if language.common:
            known *= len(foreign) == sum(map(str.isalpha, word))
            common += sum(letter.lower() in language.common for letter in foreign)
            written += len(foreign)
        elif not _LATIN.fullmatch(word) or len(foreign) > (len(word) + 1) // 2:
            known = 0
        if word[1:] != word[1:].lower() and word != word.upper():
            known *= 0.5  # capitals inside a word: "пЛАТЬЕ"
        right += known
    signs = 0
    for before, letter in pairwise(f" {text}"):
        if letter in SIGNS:
            signs += letter in _ENDS or not before.isalpha()
        elif letter in letters and not letter.isalpha():
            right += 1  # a vowel sign
    if signs > right and not signs_suffice:
        return 0
    share = (right + signs) / max(len(others), 1)
    if language.common:
        share *= min(1.0, common / max(written, 1) / 0.66) if written >= FEW else 0
    if letters & _VOWELS:  # in Cyrillic and Greek three to six letters of ten are vowels
        vowels = sum(letter.lower() in _VOWELS for letter in others) / max(written, 1)
        share *= 1.0 if 0.27 < vowels < 0.65 else 0.5
    return share


def _double_bytes(sample: bytes) -> dict[str, float]:
    """Score by the share of a language's most common characters."""
    scores: dict[str, float] = {}
    for page in ("cp932", "euc-jp", "gb18030", "big5", "cp949"):
        text = sample.decode(page, "replace")
        others = [letter for letter in text if letter > "\x7f" and letter not in SIGNS]
        wrong = text.count("\ufffd")
        if len(others) < FEW or wrong > len(others) // 50 or _stands_in_words(text, others):
            continue
        scores[page] = _frequent(page, others)
    return scores


def _stands_in_words(text: str, others: list[str]) -> bool:
    """Return True if characters are between small ASCII letters, like accents: ``gr웢n``."""
    return len(re.findall(r"[a-z][^\x00-\x7f]+[a-z]", text)) > len(others) // 8


def _frequent(page: str, others: list[str]) -> float:
    kana = sum("\u3041" <= letter <= "\u30fe" for letter in others) / len(others)
    hangul = sum("\uac00" <= letter <= "\ud7a3" for letter in others) / len(others)
    han = sum("\u4e00" <= letter <= "\u9fff" for letter in others) / len(others)
    if page in ("cp932", "euc-jp"):
        return (kana + han) if kana >= 0.2 else 0
    if page == "cp949":
        return hangul if hangul >= 0.8 else 0
    # The first half of each character set holds the common characters.
    first, last, third = (0xB0, 0xD7, 0xC9) if page == "gb18030" else (0xA4, 0xC6, 0xB3)
    leads = [letter.encode(page, "ignore")[:1] for letter in others if letter >= "\u4e00"]
    used = [lead[0] for lead in leads if lead and first <= lead[0] <= last]
    if len(used) < 0.9 * len(others) or sum(lead >= third for lead in used) < 0.15 * len(used):
        return 0
    return len(used) / len(others)
