"""From the words of a query to what the index is asked for: terms, each with alternatives."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connections

from similarity import conf
from similarity.models.search import COMMON
from similarity.retrieval.search.synonyms import TERM_WORDS, Terms
from similarity.retrieval.search.words import QueryWords

#: What a synonym's match counts, the word itself counting 1.
SYNONYM = 0.8
#: What a completion of the word being typed counts.
COMPLETION = 0.9
#: What a phrase counts that lost a stop word: ``t-shirt`` must not be any shirt.
PARTIAL = 0.5
#: A word in two spellings (``t shirt``, ``tshirt``) is the same word.
SAME = 1.0


class Looked(NamedTuple):
    """A text as the index knows it."""

    #: A tsquery as text; "" where the text is stop words only.
    query: str
    #: Documents with its rarest lexeme, as last counted; 0 where the index does not know it.
    documents: int
    #: Whether it is one lexeme that has a champion list.
    listed: bool = False


@dataclass(frozen=True)
class Alternative:
    """One way to say a term."""

    text: str
    query: str
    documents: int
    weight: float = 1.0
    listed: bool = False

    @property
    def lexeme(self) -> str:
        """The lexeme it is; "" where it is a phrase of several."""
        quoted = re.fullmatch(r"'((?:[^']|'')+)'", self.query)
        return quoted[1].replace("''", "'").replace("\\\\", "\\") if quoted else ""


@dataclass(frozen=True)
class Term:
    """Something wanted, met by any of its alternatives; the first is as it was typed."""

    alternatives: tuple[Alternative, ...]
    #: Words of the query it stands for, ``words[start:end]``.
    start: int
    end: int

    @property
    def query(self) -> str:
        """A tsquery, as text."""
        queries = list(dict.fromkeys(one.query for one in self.alternatives))
        return queries[0] if len(queries) == 1 else f"({' | '.join(queries)})"

    @property
    def documents(self) -> int:
        return sum(one.documents for one in self.alternatives)

    @property
    def is_listed(self) -> bool:
        """Whether those that hold it best are known: of a rare one all are, of others some."""
        return all(one.listed or one.documents <= COMMON for one in self.alternatives)


def rarity(documents: int, total: int) -> float:
    """Inverse document frequency as in BM25 (Robertson and Spärck Jones), always above 0."""
    total = max(total, documents, 1)
    return math.log(1 + (total - documents + 0.5) / (documents + 0.5))


def look_up(texts: Iterable[str], using: str) -> tuple[dict[str, Looked], int]:
    """What the index knows of each text, and how many documents it holds; one query."""
    asked = list(dict.fromkeys(texts))
    with connections[using].cursor() as cursor:
        cursor.execute(
            """
            SELECT asked.text, phraseto_tsquery(%(config)s::regconfig, unaccent(asked.text))::text,
                looked.documents, looked.listed,
                (SELECT documents FROM similarity_searchlexeme WHERE lexeme = '')
            FROM unnest(%(asked)s::text[]) AS asked(text), LATERAL (
                SELECT min(coalesce(known.documents, 0)) AS documents,
                       count(*) = 1 AND bool_and(known.best IS NOT NULL) AS listed
                FROM unnest(tsvector_to_array(
                    to_tsvector(%(config)s::regconfig, unaccent(asked.text)))) AS has(lexeme)
                LEFT JOIN similarity_searchlexeme AS known
                ON known.lexeme = has.lexeme COLLATE "C") AS looked
            """,
            {"config": conf.get("SEARCH_CONFIG"), "asked": asked},
        )
        rows = cursor.fetchall()
    total = max((row[-1] or 0 for row in rows), default=0)
    known = {row[0]: Looked(row[1], row[2] or 0, bool(row[3])) for row in rows}
    return known, total


def spans(words: QueryWords, synonyms: Terms) -> dict[tuple[int, int], list[tuple[str, float]]]:
    """(start, end) → other texts for those words of the query, each with its weight."""
    found: dict[tuple[int, int], list[tuple[str, float]]] = {}
    for start in range(len(words.words)):
        for end in range(start + 1, min(start + TERM_WORDS, len(words.words)) + 1):
            text = " ".join(words.words[start:end])
            others = [(other, SYNONYM) for other in synonyms.get(text, [])]
            if others:
                found[start, end] = others
    for parts, joined in words.compounds:
        if at := _position(words.words, parts):
            found.setdefault(at, []).append((joined, SAME))
    for at, joined in _measured(words):
        found.setdefault(at, []).append((joined, SAME))
    return found


def texts_of(words: QueryWords, others: dict[tuple[int, int], list[tuple[str, float]]]) -> set[str]:
    """All that :func:`terms` needs looked up."""
    texts = {*words.words, *words.excluded, *(" ".join(phrase) for phrase in words.phrases)}
    for (start, end), more in others.items():
        texts |= {" ".join(words.words[start:end]), *(text for text, _weight in more)}
    return texts


def terms(
    words: QueryWords,
    others: dict[tuple[int, int], list[tuple[str, float]]],
    looked: dict[str, Looked],
) -> list[Term]:
    """One term for each word or group of words, the longest groups first; stop words have none."""
    found: list[Term] = []
    taken: set[int] = set()
    for start, end in sorted(others, key=lambda at: (at[0] - at[1], at[0])):
        if not taken & set(range(start, end)):
            text = " ".join(words.words[start:end])
            term = _term([(text, SAME), *others[start, end]], looked, start, end)
            if term:
                taken |= set(range(start, end))
                found.append(term)
    for at, word in enumerate(words.words):
        if at not in taken and (term := _term([(word, SAME)], looked, at, at + 1)):
            found.append(term)
    return sorted(found, key=lambda term: term.start)


def _term(
    texts: Sequence[tuple[str, float]], looked: dict[str, Looked], start: int, end: int
) -> Term | None:
    alternatives = [
        Alternative(
            text,
            looked[text].query,
            looked[text].documents,
            weight * (1.0 if _is_whole(text, looked[text]) else PARTIAL),
            looked[text].listed,
        )
        for text, weight in texts
        if looked[text].query
    ]
    return Term(tuple(alternatives), start, end) if alternatives else None


def _is_whole(text: str, looked: Looked) -> bool:
    """Whether every word has a lexeme: of ``t shirt``, ``t`` is a stop word."""
    return looked.query.count("'") >= 2 * len(text.split())


def _position(words: Sequence[str], parts: Sequence[str]) -> tuple[int, int] | None:
    for start in range(len(words) - len(parts) + 1):
        if tuple(words[start : start + len(parts)]) == tuple(parts):
            return start, start + len(parts)
    return None


def _measured(words: QueryWords) -> Iterable[tuple[tuple[int, int], str]]:
    """Where the words ``100 ml`` stand that are also found as ``100ml``."""
    from similarity.catalog.wording import measures_of

    for start in range(len(words.words)):
        for end in (start + 1, start + 2):
            text = " ".join(words.words[start:end])
            if end <= len(words.words) and measures_of(text) in ([m] for m in words.measures):
                joined = measures_of(text)[0]
                if text != joined and not (end - start == 2 and measures_of(words.words[start])):
                    yield (start, end), joined
