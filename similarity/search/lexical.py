"""Products that hold the words of a query, ranked in PostgreSQL.

The score of a product is the sum over the query's terms of idf × tf. idf is BM25's (Robertson and
Zaragoza 2009) from the counts of ``SearchLexeme``, because ``ts_rank`` has no idf. tf is
``ts_rank`` of that term alone: its occurrences, weighted by field and saturating (1 + 1/4 + 1/9 …).
So a word in the title counts most, and repeating it counts little. Long documents are damped. The
weights were chosen by measurement, see docs/search.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

from django.db import connections
from psycopg.sql import SQL, Literal

from similarity.models.vectors import key_type
from similarity.search import sampling
from similarity.search.budget import UNLIMITED, Budget
from similarity.search.models import SearchDocument
from similarity.search.models.documents import COMMON, WEIGHTS, Weights
from similarity.search.terms import Term, rarity
from similarity.similar.within import (
    CANDIDATE,
    Fragment,
    Within,
    compose,
    parameter,
    sortable_key,
)

TABLE = SearchDocument._meta.db_table


#: The most products that are scored by one query; if more hold the words, only those of champion
#: lists (the known best) are scored.
SCORED = 10_000
#: If more than SCORED match, this many champions are enough for an answer; with fewer, all are
#: scored, as far as there is time.
ENOUGH = 48
#: The most recent documents, which champion lists may lack.
LATEST = 500

#: The most terms of which two must be held before a single term is enough, because thousands of
#: products may hold a single word; the rarest terms count.
PAIRED = 6
#: Documents with any of the terms above which PAIRED applies.
BROAD = 10_000


#: The weight of a number without a unit, relative to that of the query's most common word.
MINOR = 0.5
#: A product that lacks some of the words matches if its words make up this share of the query,
#: weighted by rarity: a dress matches *navy dress*, and a navy sock does not.
LEAST_HELD = 0.5
#: LEAST_HELD with a margin for sums in single precision.
_ENOUGH_HELD = LEAST_HELD - 1e-4


class Match(NamedTuple):
    """A product that holds words; ``score`` compares matches of one query only.

    ``held``: the share of the query that it holds, see :attr:`LexicalQuery.held`.
    """

    key: Any
    group: str
    score: float
    held: float = 1.0


@dataclass(frozen=True)
class LexicalQuery:
    """The terms to search for, with ``phrases`` required and ``excluded`` words forbidden."""

    terms: Sequence[Term]
    total: int
    phrases: Sequence[str] = ()
    excluded: Sequence[str] = ()
    weights: Weights = WEIGHTS

    def tsquery(self, mode: str) -> str:
        """Return the text of a tsquery; "" without terms.

        ``mode``: ``all`` terms must be held, ``two`` of the rarest, or ``any``.
        """
        if not self.terms:
            return ""
        if mode == "two":
            wanted = self.selective if len(self.selective) > 1 else self.terms
            rarest = sorted(wanted, key=lambda term: term.documents)[:PAIRED]
            pairs = combinations(rarest, 2)
            text = " | ".join(f"(({one.query}) & ({two.query}))" for one, two in pairs)
        else:
            wanted = self.terms if mode == "all" else self.selective
            operator = " & " if mode == "all" else " | "
            text = operator.join(f"({term.query})" for term in wanted)
        return f"({text}) & {self.restriction}" if self.restriction else text

    def most(self, mode: str) -> int:
        """Return the most documents that :meth:`tsquery` can find, by the counts of its terms."""
        counts = sorted(term.documents for term in self.terms)
        if not counts:
            return 0
        return counts[0] if mode == "all" else min(sum(counts), max(self.total, counts[-1]))

    @property
    def restriction(self) -> str:
        """Return phrases held and words excluded, as the text of a tsquery; "" without any."""
        held = [f"({query})" for query in self.phrases if query]
        without = [f"!({query})" for query in self.excluded if query]
        return " & ".join([*held, *without])

    @property
    def is_broad(self) -> bool:
        """Return True if so many documents hold any of the terms that two are required first."""
        return len(self.terms) > 2 and sum(term.documents for term in self.selective) > BROAD

    @property
    def selective(self) -> Sequence[Term]:
        """Return the terms that select candidates if any term is enough; common terms select too
        many.

        A word that more than a fifth of all documents hold selects too little by itself.
        """
        rare = [term for term in self.terms if term.documents * 5 <= max(self.total, 100)]
        return rare or self.terms

    @property
    def idfs(self) -> list[float]:
        """Return the inverse document frequency of each term.

        A number or a negated thing has less than every word: ``iphone 16`` asks for an iPhone
        first.
        """
        idfs = [rarity(term.documents, self.total) for term in self.terms]
        words = [idf for term, idf in zip(self.terms, idfs, strict=True) if not term.is_minor]
        most = MINOR * min(words, default=math.inf)
        return [
            min(idf, most) if term.is_minor else idf
            for term, idf in zip(self.terms, idfs, strict=True)
        ]

    @property
    def held(self) -> Fragment:
        """Return the share of the query that the row :data:`CANDIDATE` holds, 0 to 1.

        Rare words weigh more. A word that no document holds weighs at most as much as the rarest
        word in a document.
        """
        idfs = self.idfs
        known = [idf for idf, term in zip(idfs, self.terms, strict=True) if term.documents]
        weighs = [min(idf, max(known, default=idf)) for idf in idfs]
        each, params = [], []
        for term, weight in zip(self.terms, weighs, strict=True):
            each.append(f"({CANDIDATE}.document @@ %s::tsquery)::int * %s::real")
            params += [term.held or term.query, weight / sum(weighs)]
        return Fragment(f"({' + '.join(each)})", tuple(params))

    def matching(self, mode: str) -> Fragment | None:
        """Return a condition that the row :data:`CANDIDATE` matches; None without terms.

        Unless ``all`` words are required, LEAST_HELD of the query is enough.
        """
        if not (wanted := self.tsquery(mode)):
            return None
        holds = Fragment(f"{CANDIDATE}.document @@ %s::tsquery", (wanted,))
        if mode == "all":
            return holds
        held = self.held
        return Fragment(
            f"{holds.sql} AND {held.sql} >= %s::real",
            (*holds.params, *held.params, _ENOUGH_HELD),
        )

    @property
    def score(self) -> Fragment:
        """Return the score of the row :data:`CANDIDATE`."""
        ranks, params = [], []
        weights = self.weights
        for term, idf in zip(self.terms, self.idfs, strict=True):
            each = []
            for one in term.alternatives:
                each.append(
                    f"%s::real * ts_rank({weights.by_field}, {CANDIDATE}.document, %s::tsquery)"
                )
                params += [idf * one.weight, one.query]
            ranks.append(f"greatest({', '.join(each)})" if len(each) > 1 else each[0])
        held = [f"({CANDIDATE}.document @@ %s::tsquery)::int * %s::real" for _ in self.terms]
        for term, idf in zip(self.terms, self.idfs, strict=True):
            params += [term.held or term.query, weights.coverage * idf]
        damping = weights.damping(CANDIDATE)
        return Fragment(f"({' + '.join(ranks)}) / {damping} + ({' + '.join(held)})", tuple(params))


def is_enough(held: float) -> bool:
    """Return True if a product with this share of the query matches when no product holds all."""
    return held >= _ENOUGH_HELD


def least_cosine(floor: float, held: float) -> float:
    """Return the least cosine at which a product with this share of the words is related.

    Without any word it is the ``floor``. It falls linearly to 0 at half of the words, where
    nearness is no longer required.
    """
    return floor * max(1 - held / LEAST_HELD, 0.0)


#: A query without terms.
NOTHING = LexicalQuery((), 0)


def best(
    query: LexicalQuery, within: Within, mode: str, rows: int, budget: Budget = UNLIMITED
) -> tuple[list[Match], int]:
    """Return (the best ``rows`` products that hold words, how many groups match in all).

    The list has a single product for each group: first those that match by
    :meth:`LexicalQuery.matching`, each part best first. If more than SCORED hold words, the number
    is estimated, and the products come from the words' champion lists. For a single word these are
    the same products. Before the lists exist, the products come from a share of all documents.
    """
    matching = query.matching(mode)
    if within.keys is None or matching is None:
        return [], 0
    attempt = partial(budget.attempt, within.using)
    run = partial(_best, query, mode, rows=rows, using=within.using)
    nothing: tuple[list[Match], int] = ([], 0)
    many = query.most(mode)
    listed = any(term.is_listed for term in query.terms)
    alone = listed and len(query.terms) == 1
    if many <= (COMMON if alone else SCORED):
        return attempt(lambda: run(sampling.passing(within)), nothing)
    many = attempt(lambda: sampling.estimate(matching, within), many)
    found = nothing[0]
    if many > (rows if alone else SCORED):
        source = _champions(query, within) if listed else sampling.shared(many, SCORED, within)
        found, _ = attempt(lambda: run(source), nothing)
        if len(found) >= (ENOUGH if many > SCORED else rows):
            return found, many
    # The filter leaves few of many: let the planner choose which condition to start with.
    return attempt(lambda: run(sampling.among(within)), (found, max(many, len(found))))


def _best(
    query: LexicalQuery, mode: str, source: Fragment, *, rows: int, using: str
) -> tuple[list[Match], int]:
    enough = Literal(_ENOUGH_HELD)
    best_first = SQL("held >= {} DESC, score DESC, {}").format(enough, sortable_key())
    ranked = compose(
        'SELECT product_id, "group", score, held, count(*) FILTER (WHERE held >= {enough}) OVER () '
        'FROM (SELECT DISTINCT ON ("group") * FROM ('
        'SELECT similarity_candidate.product_id, similarity_candidate."group", {score} AS score, '
        "{held} AS held FROM similarity_searchdocument AS similarity_candidate "
        "WHERE similarity_candidate.document @@ {wanted}::tsquery AND {source}"
        ') AS holding ORDER BY "group", {best_first}) AS first ORDER BY {best_first} LIMIT {rows}',
        enough=enough,
        score=query.score,
        held=Fragment("1") if mode == "all" else query.held,
        wanted=parameter(query.tsquery(mode)),
        source=source,
        best_first=best_first,
        rows=parameter(rows),
    )
    with connections[using].cursor() as cursor:
        cursor.execute(*ranked)
        found = cursor.fetchall()
    return [Match(*row[:4]) for row in found], found[0][4] if found else 0


def _champions(query: LexicalQuery, within: Within) -> Fragment:
    """Return a condition for products of ``within`` that are worth scoring.

    They are the champions of a term, the products with a rare term, and the latest documents.
    """
    spoken = [one for term in query.terms for one in term.alternatives]
    lexemes = [one.lexeme for one in spoken if one.documents > COMMON and one.listed]
    rare = " | ".join(f"({one.query})" for one in spoken if one.documents <= COMMON)
    listed = compose(
        "SELECT unnest(best)::{kind} FROM similarity_searchlexeme WHERE lexeme = ANY({lexemes}) "
        "UNION (SELECT product_id FROM similarity_searchdocument "
        "ORDER BY indexed_at DESC LIMIT {latest})",
        kind=SQL(key_type(within.using)),
        lexemes=parameter(lexemes),
        latest=Literal(LATEST),
    )
    if rare:
        listed = compose(
            "{listed} UNION SELECT product_id FROM similarity_searchdocument "
            "WHERE document @@ {rare}::tsquery",
            listed=listed,
            rare=parameter(rare),
        )
    return compose(
        "similarity_candidate.product_id IN ({listed}) AND {passes}",
        listed=listed,
        passes=sampling.passing(within),
    )
