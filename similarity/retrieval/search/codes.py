"""Products by a code: SKU, EAN, part number, as a whole, its beginning, or with a slip."""

from collections.abc import Sequence

from django.db import connections

from similarity.catalog import wording
from similarity.models import SearchDocument
from similarity.retrieval.search.lexical import Match
from similarity.retrieval.search.spelling import slips
from similarity.retrieval.search.words import QueryWords
from similarity.retrieval.session import fetch_under
from similarity.retrieval.within import Within, key_order

TABLE = SearchDocument._meta.db_table

SHORTEST = 3
#: From so many letters on, the beginning of a code finds it, and a slip is forgiven.
SHORTEST_PART = 4
SHORTEST_FUZZY = 6
#: Codes read at most; more begin alike only where little was typed.
MOST = 50


def found(words: QueryWords, within: Within) -> list[Match]:
    """Products with a code that the query, or a word of it, is, the whole query's first; where
    there is none, those with a code that begins with the whole query."""
    exact = [f"% {code} %" for code in _forms(words)]
    whole = wording.code_of(words.text)
    begun = [f"% {whole}%"] if looks_like_code(whole, SHORTEST_PART) else []
    rows = _find([*exact, *begun], within)
    return [match for place, match in rows if place < len(exact)] or [match for _, match in rows]


def similar(words: QueryWords, within: Within) -> list[Match]:
    """Products with a code that is one slip from the whole query."""
    code, keys = wording.code_of(words.text), within.keys
    if not looks_like_code(code, SHORTEST_FUZZY) or keys is None:
        return []
    sql = (
        f'SELECT product_id, "group", codes FROM {TABLE} '  # noqa: S608 - compiled by Django
        f"WHERE codes %%> %s AND product_id IN ({keys.sql}) "
        f"ORDER BY word_similarity(%s, codes) DESC, {key_order('product_id')} LIMIT %s"
    )
    settings = {"pg_trgm.word_similarity_threshold": "0.5"}
    rows = fetch_under(within.using, settings, sql, (code, *keys.params, code, MOST))
    return [
        Match(key, group, 1.0)
        for key, group, codes in rows
        if any(slips(code, one) <= 1 for one in codes.split())
    ]


def looks_like_code(text: str, shortest: int = SHORTEST) -> bool:
    """Codes have a digit; other words are words."""
    return len(text) >= shortest and any(letter.isdigit() for letter in text)


def _forms(words: QueryWords) -> list[str]:
    """What may be a code: the whole query, each word, and each as it was written (``ab-12``)."""
    written = (wording.code_of(word) for word in words.text.split())
    forms = [wording.code_of(words.text), *written, *words.words]
    return [form for form in dict.fromkeys(forms) if looks_like_code(form)][:8]


def _find(patterns: Sequence[str], within: Within) -> list[tuple[int, Match]]:
    """(place of the first pattern that a code is like, product), in that order."""
    keys = within.keys
    if not patterns or keys is None:
        return []
    # Apart, for the trigram index does not serve LIKE ANY.
    likes = " OR ".join("codes LIKE %s" for _ in patterns)
    places = " ".join(f"WHEN codes LIKE %s THEN {at}" for at in range(len(patterns)))
    with connections[within.using].cursor() as cursor:
        cursor.execute(
            f'SELECT CASE {places} END AS place, product_id, "group" FROM {TABLE} '  # noqa: S608
            f"WHERE ({likes}) AND product_id IN ({keys.sql}) "
            f"ORDER BY place, codes, {key_order('product_id')} LIMIT %s",
            (*patterns, *patterns, *keys.params, MOST),
        )
        return [(place, Match(key, group, 1.0)) for place, key, group in cursor.fetchall()]
