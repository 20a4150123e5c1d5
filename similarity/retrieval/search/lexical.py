"""Products by the words they hold, ranked in PostgreSQL.

The score of a product is the sum over the query's terms of idf × tf, where idf is BM25's
(Robertson and Zaragoza 2009) from the counts of ``SearchLexeme``, for ``ts_rank`` itself
knows none, and tf is ``ts_rank`` of that term alone: its occurrences weighed by field and
saturating (1 + 1/4 + 1/9 …), so that a word in the title counts most and repeating it little.
Long documents are damped. Which weights are best was measured, see docs/search.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

from django.db import connections

from similarity.models import SearchDocument
from similarity.models.search import COMMON, WEIGHTS, Weights
from similarity.models.vectors import key_type
from similarity.retrieval.search import sampling
from similarity.retrieval.search.budget import UNLIMITED, Budget
from similarity.retrieval.search.terms import Term, rarity
from similarity.retrieval.within import CANDIDATE, Fragment, Within, key_order

TABLE = SearchDocument._meta.db_table


#: Products that are scored one by one; where a query finds more, those that are known to hold
#: its words best are.
SCORED = 10_000
#: Where so many match, the best known are an answer from so many on; else all are scored, as
#: far as there is time.
ENOUGH = 48
#: Documents written last, which champion lists may not know yet.
LATEST = 500

#: Terms of which two must be held before one is enough: of a word alone there may be thousands.
PAIRED = 6
#: Documents with any of the terms from which that holds.
BROAD = 10_000


#: The weight of a number without a unit beside that of the query's most common word.
MINOR = 0.5


class Match(NamedTuple):
    """A product that holds the words; ``score`` compares matches of one query only."""

    key: Any
    group: str
    score: float


@dataclass(frozen=True)
class LexicalQuery:
    """What is looked for: ``terms``, with ``phrases`` held and ``excluded`` not."""

    terms: Sequence[Term]
    total: int
    phrases: Sequence[str] = ()
    excluded: Sequence[str] = ()
    weights: Weights = WEIGHTS

    def tsquery(self, mode: str) -> str:
        """``all`` terms must be held, ``two`` of the rarest, or ``any``; as the text of a
        tsquery, "" without terms."""
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
        """Documents that :meth:`tsquery` finds at most, by the counts of its terms."""
        counts = sorted(term.documents for term in self.terms)
        if not counts:
            return 0
        return counts[0] if mode == "all" else min(sum(counts), max(self.total, counts[-1]))

    @property
    def restriction(self) -> str:
        """Phrases held and words left out, as the text of a tsquery; "" without any."""
        held = [f"({query})" for query in self.phrases if query]
        without = [f"!({query})" for query in self.excluded if query]
        return " & ".join([*held, *without])

    @property
    def is_broad(self) -> bool:
        """Whether so many documents hold any of the terms that two are asked for first."""
        return len(self.terms) > 2 and sum(term.documents for term in self.selective) > BROAD

    @property
    def selective(self) -> Sequence[Term]:
        """Terms that bring candidates where any will do: of others they are too many.

        A word that more than a fifth of all documents hold says little by itself.
        """
        rare = [term for term in self.terms if term.documents * 5 <= max(self.total, 100)]
        return rare or self.terms

    @property
    def idfs(self) -> list[float]:
        """The inverse document frequency of each term; that of a number, or of what is not
        wanted, is below that of every word: ``iphone 16`` asks for an iPhone first."""
        idfs = [rarity(term.documents, self.total) for term in self.terms]
        words = [idf for term, idf in zip(self.terms, idfs, strict=True) if not term.is_minor]
        most = MINOR * min(words, default=math.inf)
        return [
            min(idf, most) if term.is_minor else idf
            for term, idf in zip(self.terms, idfs, strict=True)
        ]

    @property
    def score(self) -> Fragment:
        """The score of the row :data:`CANDIDATE`."""
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


def best(
    query: LexicalQuery, within: Within, mode: str, rows: int, budget: Budget = UNLIMITED
) -> tuple[list[Match], int]:
    """(the best ``rows`` matches, one a group, best first; how many groups match in all).

    Where there are more than SCORED, their number is estimated, and the matches are those of
    the words' champion lists; of a single word these are the same. Before the lists are made,
    they are those among a share of all documents.
    """
    wanted = query.tsquery(mode)
    if within.keys is None or not wanted:
        return [], 0
    attempt = partial(budget.attempt, within.using)
    run = partial(_best, query, wanted, rows=rows, using=within.using)
    nothing: tuple[list[Match], int] = ([], 0)
    many = query.most(mode)
    listed = any(term.is_listed for term in query.terms)
    alone = listed and len(query.terms) == 1
    if many <= (COMMON if alone else SCORED):
        return attempt(lambda: run(sampling.passing(within)), nothing)
    many = attempt(lambda: sampling.estimate(wanted, within), many)
    found = nothing[0]
    if many > (rows if alone else SCORED):
        source = _champions(query, within) if listed else sampling.shared(many, SCORED, within)
        found, _ = attempt(lambda: run(source), nothing)
        if len(found) >= (ENOUGH if many > SCORED else rows):
            return found, many
    # The filter leaves few of many: the planner knows which of them to begin with.
    return attempt(lambda: run(sampling.among(within)), (found, max(many, len(found))))


def _best(
    query: LexicalQuery, wanted: str, source: Fragment, *, rows: int, using: str
) -> tuple[list[Match], int]:
    score = query.score
    order = key_order("product_id")
    inner = (
        f'SELECT {CANDIDATE}.product_id, {CANDIDATE}."group", {score.sql} AS score '  # noqa: S608
        f"FROM {TABLE} AS {CANDIDATE} WHERE {CANDIDATE}.document @@ %s::tsquery AND {source.sql}"
    )
    sql = (
        'SELECT product_id, "group", score, count(*) OVER () FROM ('  # noqa: S608
        f'SELECT DISTINCT ON ("group") * FROM ({inner}) AS matching '
        f'ORDER BY "group", score DESC, {order}) AS first '
        f"ORDER BY score DESC, {order} LIMIT %s"
    )
    with connections[using].cursor() as cursor:
        cursor.execute(sql, (*score.params, wanted, *source.params, rows))
        found = cursor.fetchall()
    return [Match(*row[:3]) for row in found], found[0][3] if found else 0


def _champions(query: LexicalQuery, within: Within) -> Fragment:
    """Products that hold a term of the query best, those that hold a rare one, and the latest;
    of ``within`` all."""
    kind = key_type(within.using)
    spoken = [one for term in query.terms for one in term.alternatives]
    lexemes = [one.lexeme for one in spoken if one.documents > COMMON and one.listed]
    rare = " | ".join(f"({one.query})" for one in spoken if one.documents <= COMMON)
    sql = (
        f"SELECT unnest(best)::{kind} FROM similarity_searchlexeme WHERE lexeme = ANY(%s) "  # noqa: S608
        f"UNION (SELECT product_id FROM {TABLE} ORDER BY indexed_at DESC LIMIT {LATEST})"
    )
    params: tuple[Any, ...] = (lexemes,)
    if rare:
        sql += f" UNION SELECT product_id FROM {TABLE} WHERE document @@ %s::tsquery"  # noqa: S608
        params += (rare,)
    passes = sampling.passing(within)
    return Fragment(
        f"{CANDIDATE}.product_id IN ({sql}) AND {passes.sql}", (*params, *passes.params)
    )
