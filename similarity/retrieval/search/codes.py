"""Products by a code: SKU, EAN, part number, as a whole, its beginning, or with a slip."""

from collections.abc import Sequence

from similarity.catalog import wording
from similarity.models import SearchDocument
from similarity.retrieval.search.lexical import Match
from similarity.retrieval.search.spelling import slips
from similarity.retrieval.search.words import QueryWords
from similarity.retrieval.session import local_settings
from similarity.retrieval.within import Within, key_order

TABLE = SearchDocument._meta.db_table

SHORTEST = 3
#: From so many letters on, the beginning of a code finds it, and a slip is forgiven.
SHORTEST_PART = 4
SHORTEST_FUZZY = 6
#: Codes read at most; more begin alike only where little was typed.
MOST = 50


def exact(words: QueryWords, within: Within) -> list[Match]:
    """Products with a code that the query, or a word of it, is; the whole query's first."""
    return _find([f"% {code} %" for code in _forms(words)], within)


def beginning(words: QueryWords, within: Within) -> list[Match]:
    """Products with a code that begins with the whole query."""
    code = wording.code_of(words.text)
    return _find([f"% {code}%"] if looks_like_code(code, SHORTEST_PART) else [], within)


def similar(words: QueryWords, within: Within) -> list[Match]:
    """Products with a code that is one slip from the whole query."""
    code, keys = wording.code_of(words.text), within.keys
    if not looks_like_code(code, SHORTEST_FUZZY) or keys is None:
        return []
    with local_settings(within.using, {"pg_trgm.word_similarity_threshold": "0.5"}) as cursor:
        cursor.execute(
            f'SELECT product_id, "group", codes FROM {TABLE} '  # noqa: S608 - compiled by Django
            f"WHERE codes %%> %s AND product_id IN ({keys.sql}) "
            f"ORDER BY word_similarity(%s, codes) DESC, {key_order('product_id')} LIMIT %s",
            (code, *keys.params, code, MOST),
        )
        rows = cursor.fetchall()
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


def _find(patterns: Sequence[str], within: Within) -> list[Match]:
    keys = within.keys
    if not patterns or keys is None:
        return []
    # Apart, for the trigram index does not serve LIKE ANY.
    likes = " OR ".join("codes LIKE %s" for _ in patterns)
    places = " ".join(f"WHEN codes LIKE %s THEN {at}" for at in range(len(patterns)))
    with local_settings(within.using, {"jit": "off"}) as cursor:
        cursor.execute(
            f'SELECT product_id, "group" FROM {TABLE} '  # noqa: S608 - compiled by Django
            f"WHERE ({likes}) AND product_id IN ({keys.sql}) "
            f"ORDER BY CASE {places} END, codes, {key_order('product_id')} LIMIT %s",
            (*patterns, *keys.params, *patterns, MOST),
        )
        return [Match(key, group, 1.0) for key, group in cursor.fetchall()]
