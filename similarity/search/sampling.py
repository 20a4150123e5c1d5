"""Large answers, estimated from a share of all documents that has an index of its own.

Documents are drawn by a hash of their group, so that the share is the same in every query, and
variants of one product are in it together or not at all.
"""

from django.db import connections
from psycopg.sql import SQL

from similarity.search.models.documents import SHARES, share_condition
from similarity.similar.within import CANDIDATE, Fragment, Within, compose


def drawn(share: int) -> str:
    """A condition on the row :data:`CANDIDATE`: it is one in ``share``, or any where that is 1."""
    return share_condition(share, CANDIDATE) if share > 1 else "TRUE"


def passing(within: Within) -> Fragment:
    """A condition on the row :data:`CANDIDATE`: one look at each where that is possible, for
    few are looked at; a join would read the whole catalogue."""
    return within.passes_candidate if within.per_row else among(within)


def among(within: Within) -> Fragment:
    """The same condition as a join, which may begin with the filter where it leaves little."""
    keys = within.keys
    if keys is None:
        return Fragment("FALSE")
    return Fragment(f"{CANDIDATE}.product_id IN ({keys.sql})", keys.params)


def shared(many: int, most: int, within: Within) -> Fragment:
    """:func:`passing`, of about ``most`` out of ``many`` documents at the most."""
    share = next((share for share in SHARES if many <= share * most), SHARES[-1])
    passes = passing(within)
    return Fragment(f"{drawn(share)} AND {passes.sql}", passes.params)


def estimate(matching: Fragment, within: Within) -> int:
    """About how many groups of ``within`` meet a condition; off by a tenth at 25,000."""
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
