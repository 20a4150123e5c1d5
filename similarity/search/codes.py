"""Finds products by a code: SKU, EAN or part number, whole, in part, or with one slip."""

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
#: A query with at least this many letters also finds codes that begin with it, or (FUZZY) codes one
#: slip away.
SHORTEST_PART = 4
SHORTEST_FUZZY = 6
#: With at least this many letters it is searched inside codes: ``RNG482`` of ``KT-RNG482-DRE``.
SHORTEST_INSIDE = 5
SHORTEST_DIGITS = 7
#: The most codes that are read; more codes begin alike only if little was typed.
MOST = 50


class CodeMatches(NamedTuple):
    """``whole``: products with a code that equals the query, or else begins with it.

    ``partial``: products with a code that equals one word of it; the other words may name another
    product.
    """

    whole: list[Match]
    partial: list[Match]


def found(words: QueryWords, within: Within) -> CodeMatches:
    """Return products by their exact code."""
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
    """Return (products with a code that contains the query, ``code``), or else near codes.

    The latter is (products with a code a single slip away, ``near_code``), because such a code
    belongs to another product.
    """
    code = wording.normalise_code(words.text)
    if _is_part(code) and (parts := _find([f"%{code}%"], within)):
        return [match for _place, match in parts], "code"
    return _one_slip_away(code, within), "near_code"


def looks_like_code(text: str, shortest: int = SHORTEST) -> bool:
    """Return True for a text with a digit; texts without digits are words."""
    return len(text) >= shortest and any(letter.isdigit() for letter in text)


def _is_written_as_code(text: str, code: str) -> bool:
    """Return True for a code; without a digit by signs or capitals: ``BR/SOFT/ROSE``,
    ``ACMEBLK``."""
    signs = " " not in text and (text.isupper() or any(not one.isalnum() for one in text))
    return looks_like_code(code) or (len(code) >= SHORTEST and signs)


def _is_part(code: str) -> bool:
    """Return True if it is long enough to search inside codes; a few digits are in many codes."""
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
    """Return the possible codes of a query: each word, and each as typed (``ab-12``)."""
    written = (wording.normalise_code(word) for word in words.text.split())
    forms = [*written, *words.words]
    return [form for form in dict.fromkeys(forms) if looks_like_code(form)][:8]


def _find(patterns: Sequence[str], within: Within) -> list[tuple[int, Match]]:
    """Return (place of the first pattern that a code matches, product), in that order."""
    keys = within.keys
    if not patterns or keys is None:
        return []
    # Joined by OR, because the trigram index does not serve LIKE ANY.
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
