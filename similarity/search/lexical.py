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
#: A product that lacks some of the words matches where those that it holds make up so much of the
#: query, by their rarity: of *navy dress* a dress does, and a navy sock does not.
LEAST_HELD = 0.5
#: The same, as sums in single precision are compared with it.
_ENOUGH_HELD = LEAST_HELD - 1e-4


class Match(NamedTuple):
    """A product that holds words; ``score`` compares matches of one query only. ``held``: the
    share of the query that it holds, see :attr:`LexicalQuery.held`."""

    key: Any
    group: str
    score: float
    held: float = 1.0


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
    def held(self) -> Fragment:
        """The share of the query that the row :data:`CANDIDATE` holds, 0 to 1: rare words weigh
        more, and one that no document holds weighs no more than the rarest that some do."""
        idfs = self.idfs
        known = [idf for idf, term in zip(idfs, self.terms, strict=True) if term.documents]
        weighs = [min(idf, max(known, default=idf)) for idf in idfs]
        each, params = [], []
        for term, weight in zip(self.terms, weighs, strict=True):
            each.append(f"({CANDIDATE}.document @@ %s::tsquery)::int * %s::real")
            params += [term.held or term.query, weight / sum(weighs)]
        return Fragment(f"({' + '.join(each)})", tuple(params))

    def matching(self, mode: str) -> Fragment | None:
        """A condition on the row :data:`CANDIDATE`: it matches. None without terms.

        Where not ``all`` words must be held, it is LEAST_HELD of the query.
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


def is_enough(held: float) -> bool:
    """Whether a product that holds this share of the query matches where none holds all."""
    return held >= _ENOUGH_HELD


def least_cosine(floor: float, held: float) -> float:
    """The least cosine with the query of a related product that holds this share of its words.

    That of a product without any is the ``floor``; it falls evenly to 0 at half of the words,
    where nearness is no longer asked for.
    """
    return floor * max(1 - held / LEAST_HELD, 0.0)


#: Asks for nothing.
NOTHING = LexicalQuery((), 0)


def best(
    query: LexicalQuery, within: Within, mode: str, rows: int, budget: Budget = UNLIMITED
) -> tuple[list[Match], int]:
    """(the best ``rows`` products that hold words, one a group, those that match first and each
    best first; how many groups match in all, by :meth:`LexicalQuery.matching`).

    Where more than SCORED hold words, the number is estimated, and the products are those of
    the words' champion lists; of a single word these are the same. Before the lists are made,
    they are those among a share of all documents.
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
    # The filter leaves few of many: the planner knows which of them to begin with.
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
    """Products that hold a term of the query best, those that hold a rare one, and the latest;
    of ``within`` all."""
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
