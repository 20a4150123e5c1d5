"""Champion lists: for each very common lexeme, the products that hold it best.

A search for such a word would have to score every document with it. With the list it scores a few
thousand, as engines do that sort postings by impact. For a single word the list has exactly the
order of the score. The lists are made again with the counts of words; search also looks at
documents written since, at least at the latest.
"""

from django.db import connections, transaction
from psycopg.sql import SQL

from similarity.search.models.documents import CHAMPIONS, COMMON, SearchLexeme, term_score
from similarity.vectors import upsert

#: The most lexemes that have a list; the most frequent first.
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
    """Make every list again; return how many. Each has its own transaction, to keep locks short."""
    lexemes = SearchLexeme.objects.using(upsert.alias())
    common = lexemes.filter(documents__gt=COMMON).exclude(lexeme="").order_by("-documents")
    chosen = list(common.values_list("lexeme", flat=True)[:MOST])
    lexemes.exclude(lexeme__in=chosen).filter(best__isnull=False).update(best=None)
    for lexeme in chosen:
        with transaction.atomic(using=upsert.alias()), _cursor() as cursor:
            cursor.execute(_LIST, {"query": quoted(lexeme), "lexeme": lexeme})
    return len(chosen)


def quoted(lexeme: str) -> str:
    """Return a lexeme as the text of a tsquery."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _cursor():  # type: ignore[no-untyped-def]
    return connections[upsert.alias()].cursor()
