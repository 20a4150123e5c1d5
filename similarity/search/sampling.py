"""Large result sets, estimated from a share of all documents that has its own index.

Documents are drawn by a hash of their group. So the share is the same in every query, and the
variants of one product are all in it or all outside it.
"""

from django.db import connections
from psycopg.sql import SQL

from similarity.search.models.documents import SHARES, share_condition
from similarity.similar.within import CANDIDATE, Fragment, Within, compose


def drawn(share: int) -> str:
    """Return a condition that keeps 1 in ``share`` of the rows :data:`CANDIDATE`; 1 keeps all."""
    return share_condition(share, CANDIDATE) if share > 1 else "TRUE"


def passing(within: Within) -> Fragment:
    """Return a condition that :data:`CANDIDATE` belongs to ``within``.

    Check each row by itself if possible, because few rows are looked at and a join would read the
    whole catalogue.
    """
    return within.passes_candidate if within.per_row else among(within)


def among(within: Within) -> Fragment:
    """Return the same condition as a join, which may start with a filter that leaves few rows."""
    keys = within.keys
    if keys is None:
        return Fragment("FALSE")
    return Fragment(f"{CANDIDATE}.product_id IN ({keys.sql})", keys.params)


def shared(many: int, most: int, within: Within) -> Fragment:
    """Return :func:`passing` for at most about ``most`` of ``many`` documents."""
    share = next((share for share in SHARES if many <= share * most), SHARES[-1])
    passes = passing(within)
    return Fragment(f"{drawn(share)} AND {passes.sql}", passes.params)


def estimate(matching: Fragment, within: Within) -> int:
    """Return about how many groups of ``within`` meet a condition; off by 10 % at 25,000."""
    share = SHARES[-1]
    passes = passing(within)
    with connections[within.using].cursor() as cursor:
        cursor.execute(
            *compose(
                'SELECT count(DISTINCT similarity_candidate."group") '
                "FROM similarity_searchdocument AS similarity_candidate "
                "WHERE {matching} AND {drawn} AND {passes}",
                matching=matching,
                drawn=SQL(drawn(share)),
                passes=passes,
            )
        )
        [(counted,)] = cursor.fetchall()
    return share * int(counted)
