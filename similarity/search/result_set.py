"""The matches of a query as SQL, to be counted or sorted, whole or by a share of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from psycopg.sql import SQL, Literal

from similarity.models.vectors import key_type
from similarity.search import lexical, sampling
from similarity.search.columns import Columns
from similarity.search.lexical import LexicalQuery
from similarity.search.models import SearchDocument
from similarity.search.models.documents import SHARES
from similarity.similar.within import CANDIDATE, Fragment, Within, compose, database_keys

#: The most products that are read to be counted.
COUNTED = 3_000


@dataclass(frozen=True)
class ResultSet:
    """The matches of the words, and ``others`` found by their code."""

    query: LexicalQuery
    mode: str
    others: Sequence[Any] = ()
    #: About how many products match, if known.
    many: int = 0

    def read(self, columns: Columns, within: Within) -> tuple[Sequence[tuple[Any, ...]], int]:
        """Return (rows of :meth:`Columns.read` within ``within``, or 1 in ``share`` of them;
        share)."""
        shares = [one for one in (1, *SHARES) if self.many <= one * COUNTED] or SHARES[-1:]
        for share in shares:
            rows = columns.read(self.among(within, share))
            if len({key for _group, key, *_values in rows}) <= COUNTED:
                break
        return rows, share

    def among(self, within: Within, share: int) -> Fragment:
        """Return ``SELECT product_id, "group"`` of 1 in ``share`` of the matches in ``within``.

        If these are more than COUNTED, the query returns only a little more than COUNTED.
        """
        narrow = share == 1 and self.query.most(self.mode) > lexical.SCORED
        passes = sampling.among(within) if narrow else sampling.passing(within)
        matching = self.query.matching(self.mode)
        conditions = [matching] if matching else []
        if self.others:
            kind, keys = key_type(within.using), database_keys(self.others, within.using)
            conditions.append(Fragment(f"{CANDIDATE}.product_id = ANY(%s::{kind}[])", (keys,)))
        each = [
            compose(
                '(SELECT similarity_candidate.product_id, similarity_candidate."group" '
                "FROM similarity_searchdocument AS similarity_candidate "
                "WHERE {condition} AND {drawn} AND {passes} LIMIT {most})",
                condition=condition,
                drawn=SQL(sampling.drawn(share)),
                passes=passes,
                most=Literal(COUNTED + 1),
            )
            for condition in conditions
        ]
        params = [param for one in each for param in one.params]
        return Fragment(" UNION ".join(one.sql for one in each), tuple(params))

    def keys(self, using: str) -> Fragment:
        """Return ``SELECT key`` of all matches, regardless of filters."""
        kind = key_type(using)
        others = Fragment(f"SELECT unnest(%s::{kind}[])", (database_keys(self.others, using),))
        matching = self.query.matching(self.mode)
        if matching is None:
            return others
        return compose(
            "{others} UNION ALL SELECT product_id "
            "FROM similarity_searchdocument AS similarity_candidate WHERE {matching}",
            others=others,
            matching=matching,
        )


def found_products(within: Within, matches: Fragment) -> QuerySet[Any]:
    """Return the host's found products, with their variants' group as ``similarity_group``."""
    group = SearchDocument.objects.filter(product=OuterRef("pk")).values("group")[:1]
    products = within.narrowed().filter(pk__in=RawSQL(*matches))  # noqa: S611 - ours
    return products.annotate(similarity_group=Subquery(group))
