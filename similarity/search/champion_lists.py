"""Champion lists: of each lexeme that very many documents hold, those that hold it best.

A search for such a word would have to score every document with it; by its list it scores a few
thousand, as engines do that keep postings in the order of their impact. Of one word the list
is in the very order of the score. Made anew with the counts of words; documents written since
are looked at by search besides, the latest of them at least.
"""

from django.db import connections, transaction
from psycopg.sql import SQL

from similarity.search.models.documents import CHAMPIONS, COMMON, SearchLexeme, term_score
from similarity.vectors import upsert

#: Lexemes that have a list, at most; the most frequent first.
MOST = 5000

_LIST = (
    SQL("""
    UPDATE similarity_searchlexeme AS stored SET best = ARRAY(
        SELECT found.product_id::text FROM similarity_searchdocument AS found
        WHERE found.document @@ %(query)s::tsquery
        ORDER BY {score} DESC, found.product_id LIMIT {most}
    ) WHERE stored.lexeme = %(lexeme)s
""")
    .format(score=SQL(term_score("found")), most=CHAMPIONS)
    .as_string(None)
)


def refresh() -> int:
    """Make every list anew; returns how many. A transaction each, so that none is held long."""
    lexemes = SearchLexeme.objects.using(upsert.alias())
    common = lexemes.filter(documents__gt=COMMON).exclude(lexeme="").order_by("-documents")
    chosen = list(common.values_list("lexeme", flat=True)[:MOST])
    lexemes.exclude(lexeme__in=chosen).filter(best__isnull=False).update(best=None)
    for lexeme in chosen:
        with transaction.atomic(using=upsert.alias()), _cursor() as cursor:
            cursor.execute(_LIST, {"query": quoted(lexeme), "lexeme": lexeme})
    return len(chosen)


def quoted(lexeme: str) -> str:
    """A lexeme as the text of a tsquery."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _cursor():  # type: ignore[no-untyped-def]
    return connections[upsert.alias()].cursor()
