"""Counts how many documents hold each word, lexeme and attribute value, from time to time.

Between two counts the indexer adds new words, so that they are not taken for misspellings. The
rarity of a word changes little in a day.
"""

from django.db import connections, transaction
from psycopg.sql import SQL, Identifier

from similarity.connections.locks import LockTaken, advisory_lock
from similarity.search import champion_lists
from similarity.vectors import upsert

#: The number of documents is stored under the empty lexeme.
TOTAL = ""

#: A count is outgrown when the number of documents grew or shrank by this factor.
OUTGROWN = 1.2

_COUNTS = (
    (
        "similarity_searchlexeme",
        "lexeme",
        'SELECT word COLLATE "C", ndoc FROM ts_stat(\'SELECT document FROM '
        "similarity_searchdocument') UNION ALL SELECT '', count(*) FROM similarity_searchdocument",
    ),
    (
        "similarity_searchword",
        "word",
        'SELECT word COLLATE "C", count(*) FROM similarity_searchdocument, unnest(words) AS word '
        "GROUP BY 1",
    ),
)
_VALUES = """
    WITH counted AS MATERIALIZED (
        SELECT split_part(pair, '=', 1) AS name, substr(pair, strpos(pair, '=') + 1) AS value,
               count(*) AS documents
        FROM similarity_searchdocument, unnest(attribute_values) AS pair GROUP BY 1, 2
    ), gone AS (
        DELETE FROM similarity_searchvalue AS stored WHERE NOT EXISTS (
            SELECT FROM counted WHERE counted.name = stored.name AND counted.value = stored.value)
    )
    UPDATE similarity_searchvalue AS stored SET documents = counted.documents FROM counted
    WHERE stored.name = counted.name AND stored.value = counted.value
    AND stored.documents <> counted.documents
"""


def refresh(*, lists: bool = True) -> bool:
    """Count every word again, and make the champion lists; return False if another process does so.

    Each table has its own transaction, which writes only changes. With ``lists`` false the lists
    are left to the nightly count, because they take minutes for a million products.
    """
    try:
        with advisory_lock("similarity.vocabulary", upsert.alias()):
            for table, column, counts in _COUNTS:
                _refresh(table, column, counts)
            with transaction.atomic(using=upsert.alias()), _cursor() as cursor:
                cursor.execute(_NO_LIMIT)
                cursor.execute(_VALUES)
            if lists:
                champion_lists.refresh()
    except LockTaken:
        return False
    return True


def refresh_if_outgrown() -> bool:
    """Run :func:`refresh` if the number of documents changed much since the last count."""
    with _cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM similarity_searchdocument), "
            "(SELECT documents FROM similarity_searchlexeme WHERE lexeme = %s)",
            [TOTAL],
        )
        documents, counted = cursor.fetchone()
    counted = counted or 0
    if counted / OUTGROWN <= documents <= counted * OUTGROWN:
        return False
    return refresh(lists=False)


def _refresh(table: str, column: str, counts: str) -> None:
    """Count one table; delete only words missing in the counting snapshot, so new words stay."""
    names = {"table": Identifier(table), "column": Identifier(column)}
    with transaction.atomic(using=upsert.alias()), _cursor() as cursor:
        cursor.execute(_NO_LIMIT)
        cursor.execute("DROP TABLE IF EXISTS pg_temp.similarity_counted")
        cursor.execute(
            SQL(
                "CREATE TEMPORARY TABLE similarity_counted ON COMMIT DROP AS "
                "SELECT coalesce(counted.word, stored.{column}) AS word, "
                "coalesce(counted.documents, 0) AS documents "
                "FROM ({counts}) AS counted(word, documents) "
                "FULL JOIN {table} AS stored ON stored.{column} = counted.word"
            ).format(**names, counts=SQL(counts))
        )
        cursor.execute(
            SQL(
                "INSERT INTO {table} AS stored ({column}, documents) "
                "SELECT word, documents FROM similarity_counted WHERE documents > 0 ORDER BY 1 "
                "ON CONFLICT ({column}) DO UPDATE SET documents = excluded.documents "
                "WHERE stored.documents <> excluded.documents"
            ).format(**names)
        )
        cursor.execute(
            SQL(
                "DELETE FROM {table} WHERE {column} IN "
                "(SELECT word FROM similarity_counted WHERE documents = 0)"
            ).format(**names)
        )


#: The database role may have a time limit, which is meant for pages.
_NO_LIMIT = "SET LOCAL statement_timeout = 0"


def _cursor():  # type: ignore[no-untyped-def]
    return connections[upsert.alias()].cursor()
