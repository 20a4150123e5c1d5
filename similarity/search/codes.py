"""Products by a code: SKU, EAN, part number, as a whole, a part of it, or with a slip."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connections

from similarity.catalog import wording
from similarity.search.lexical import Match
from similarity.search.spelling import slips
from similarity.search.words import QueryWords
from similarity.similar.planner_settings import fetch_under
from similarity.similar.within import Fragment, Within, compose, parameter, sortable_key

SHORTEST = 3
#: From so many letters on, the beginning of a code finds it, and a slip is forgiven.
SHORTEST_PART = 4
SHORTEST_FUZZY = 6
#: From so many on, it is looked for inside of codes: ``RNG482`` of ``KT-RNG482-DRE``.
SHORTEST_INSIDE = 5
SHORTEST_DIGITS = 7
#: Codes read at most; more begin alike only where little was typed.
MOST = 50


class CodeMatches(NamedTuple):
    """``whole``: products with a code that the query is, or else that begins with it. ``partial``:
    products with a code that one word of it is; the other words may say another product."""

    whole: list[Match]
    partial: list[Match]


def found(words: QueryWords, within: Within) -> CodeMatches:
    """Products by their code, as it is."""
    whole = wording.normalise_code(words.text)
    forms = [form for form in _forms(words) if form != whole]
    exact = [f"% {whole} %"] if _is_written_as_code(words.text, whole) else []
    begun = [f"% {whole}%"] if looks_like_code(whole, SHORTEST_PART) else []
    patterns = [*exact, *(f"% {form} %" for form in forms), *begun]
    rows = _find(patterns, within)
    first, last = len(exact), len(patterns) - len(begun)
    by_whole = [match for place, match in rows if place < first]
    by_word = [match for place, match in rows if first <= place < last]
    by_beginning = [match for place, match in rows if place >= last]
    return CodeMatches(by_whole or ([] if by_word else by_beginning), by_word)


def similar(words: QueryWords, within: Within) -> tuple[list[Match], str]:
    """(products with a code that the query is a part of, ``code``), or (those with a code that
    is one slip from it, ``near_code``): a neighbour of a code is another product."""
    code = wording.normalise_code(words.text)
    if _is_part(code) and (parts := _find([f"%{code}%"], within)):
        return [match for _place, match in parts], "code"
    return _one_slip_away(code, within), "near_code"


def looks_like_code(text: str, shortest: int = SHORTEST) -> bool:
    """Codes have a digit; other words are words."""
    return len(text) >= shortest and any(letter.isdigit() for letter in text)


def _is_written_as_code(text: str, code: str) -> bool:
    """Without a digit by its signs or capitals: ``BR/SOFT/ROSE``, ``ACMEBLK``."""
    signs = " " not in text and (text.isupper() or any(not one.isalnum() for one in text))
    return looks_like_code(code) or (len(code) >= SHORTEST and signs)


def _is_part(code: str) -> bool:
    """A few digits alone stand within many a long number."""
    least = SHORTEST_DIGITS if code.isdecimal() else SHORTEST_INSIDE
    return looks_like_code(code, least)


def _one_slip_away(code: str, within: Within) -> list[Match]:
    keys = within.keys
    if not looks_like_code(code, SHORTEST_FUZZY) or keys is None:
        return []
    query = compose(
        'SELECT product_id, "group", codes FROM similarity_searchdocument '
        "WHERE codes %%> {code} AND product_id IN ({keys}) "
        "ORDER BY word_similarity({code}, codes) DESC, {key} LIMIT {most}",
        code=parameter(code),
        keys=keys,
        key=sortable_key(),
        most=parameter(MOST),
    )
    settings = {"pg_trgm.word_similarity_threshold": "0.5"}
    rows = fetch_under(within.using, settings, query.sql, query.params)
    return [
        Match(key, group, 1.0)
        for key, group, codes in rows
        if any(slips(code, one) <= 1 for one in codes.split())
    ]


def _forms(words: QueryWords) -> list[str]:
    """What may be a code: each word, and each as it was written (``ab-12``)."""
    written = (wording.normalise_code(word) for word in words.text.split())
    forms = [*written, *words.words]
    return [form for form in dict.fromkeys(forms) if looks_like_code(form)][:8]


def _find(patterns: Sequence[str], within: Within) -> list[tuple[int, Match]]:
    """(place of the first pattern that a code is like, product), in that order."""
    keys = within.keys
    if not patterns or keys is None:
        return []
    # Apart, for the trigram index does not serve LIKE ANY.
    likes = " OR ".join("codes LIKE %s" for _ in patterns)
    places = " ".join(f"WHEN codes LIKE %s THEN {at}" for at in range(len(patterns)))
    query = compose(
        'SELECT CASE {places} END AS place, product_id, "group" FROM similarity_searchdocument '
        "WHERE ({likes}) AND product_id IN ({keys}) ORDER BY place, codes, {key} LIMIT {most}",
        places=Fragment(places, tuple(patterns)),
        likes=Fragment(likes, tuple(patterns)),
        keys=keys,
        key=sortable_key(),
        most=parameter(MOST),
    )
    with connections[within.using].cursor() as cursor:
        cursor.execute(*query)
        return [(place, Match(key, group, 1.0)) for place, key, group in cursor.fetchall()]
