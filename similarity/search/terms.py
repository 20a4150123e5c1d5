"""Turns the words of a query into terms for the index, each with alternatives."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from django.db import connections

from similarity import conf
from similarity.catalog import numbers
from similarity.search import spellings
from similarity.search.models.documents import COMMON
from similarity.search.spellings import SAME, Spelling
from similarity.search.synonyms import TERM_WORDS, Terms
from similarity.search.words import QueryWords

#: The weight of a synonym's match; the word itself has 1.
SYNONYM = 0.8
#: The weight of a completion of the word being typed.
COMPLETION = 0.9
#: The weight of a phrase that lost a stop word: ``t-shirt`` must not find every shirt.
PARTIAL = 0.5


class Looked(NamedTuple):
    """A text as it stands in the index."""

    #: A tsquery as text; "" if the text consists of stop words.
    query: str
    #: Documents with its rarest lexeme, as last counted; 0 if the index does not know it.
    documents: int
    #: True if it is a single lexeme with a champion list.
    listed: bool = False
    #: The word unstemmed, if it is a stop word.
    plain: str = ""


@dataclass(frozen=True)
class Alternative:
    """One way to write a term."""

    text: str
    query: str
    documents: int
    weight: float = 1.0
    listed: bool = False

    @property
    def lexeme(self) -> str:
        """Return the lexeme; "" for a phrase of several."""
        quoted = re.fullmatch(r"'((?:[^']|'')+)'", self.query)
        return quoted[1].replace("''", "'").replace("\\\\", "\\") if quoted else ""


@dataclass(frozen=True)
class Term:
    """A wanted thing, met by any of its alternatives; the first is as typed."""

    alternatives: tuple[Alternative, ...]
    #: Words of the query that it covers, ``words[start:end]``.
    start: int
    end: int
    #: A tsquery for holding the term in the score; "" if it is :attr:`query`.
    held: str = ""

    @property
    def query(self) -> str:
        """Return a tsquery, as text."""
        queries = list(dict.fromkeys(one.query for one in self.alternatives))
        return queries[0] if len(queries) == 1 else f"({' | '.join(queries)})"

    @property
    def documents(self) -> int:
        return sum(one.documents for one in self.alternatives)

    @property
    def is_minor(self) -> bool:
        """Return True for a number without a unit or a negated thing, which select little alone."""
        return bool(self.held) or numbers.is_number(self.alternatives[0].text)

    @property
    def is_listed(self) -> bool:
        """Return True if its best products are known: all for rare words, champions for others."""
        return all(one.listed or one.documents <= COMMON for one in self.alternatives)


def rarity(documents: int, total: int) -> float:
    """Return the inverse document frequency as in BM25 (Robertson and Spärck Jones), above 0."""
    total = max(total, documents, 1)
    return math.log(1 + (total - documents + 0.5) / (documents + 0.5))


def look_up(texts: Iterable[str], using: str) -> tuple[dict[str, Looked], int]:
    """Return text → its entry in the index, and the number of documents, in a single query."""
    asked = list(dict.fromkeys(texts))
    with connections[using].cursor() as cursor:
        cursor.execute(
            """
            SELECT asked.text, phraseto_tsquery(%(config)s::regconfig, unaccent(asked.text))::text,
                looked.documents, looked.listed, plain.query,
                (SELECT documents FROM similarity_searchlexeme WHERE lexeme = '')
            FROM unnest(%(asked)s::text[]) AS asked(text),
            LATERAL (SELECT to_tsvector(%(config)s::regconfig, unaccent(asked.text)) AS vector
                OFFSET 0) AS stemmed,  -- else it would be inlined, and made three times
            LATERAL (SELECT CASE WHEN length(stemmed.vector) = 0
                THEN phraseto_tsquery('simple', unaccent(asked.text))::text ELSE '' END AS query
                OFFSET 0) AS plain,
            LATERAL (
                SELECT min(coalesce(known.documents, 0)) AS documents,
                       count(*) = 1 AND bool_and(known.best IS NOT NULL) AS listed
                FROM unnest(tsvector_to_array(CASE WHEN plain.query = '' THEN stemmed.vector
                    ELSE to_tsvector('simple', unaccent(asked.text)) END)) AS has(lexeme)
                LEFT JOIN similarity_searchlexeme AS known
                ON known.lexeme = has.lexeme COLLATE "C") AS looked
            """,
            {"config": conf.get("SEARCH", "LANGUAGE"), "asked": asked},
        )
        rows = cursor.fetchall()
    total = max((row[-1] or 0 for row in rows), default=0)
    known = {row[0]: Looked(row[1], row[2] or 0, bool(row[3]), row[4]) for row in rows}
    return known, total


@dataclass(frozen=True)
class Spelled:
    """All spellings of a query's words."""

    #: ``words[start:end]`` → the texts of one term.
    groups: dict[tuple[int, int], list[Spelling]]
    #: Place of a word → texts that also find it, if the index knows them.
    others: dict[int, list[Spelling]]


def spell(words: QueryWords, synonyms: Terms) -> Spelled:
    """Return the spellings of the words, and the synonyms from the admin."""
    groups: dict[tuple[int, int], list[Spelling]] = {}
    for start in range(len(words.words)):
        for end in range(start + 1, min(start + TERM_WORDS, len(words.words)) + 1):
            text = " ".join(words.words[start:end])
            if others := [(other, SYNONYM) for other in synonyms.get(text, [])]:
                groups[start, end] = [(text, SAME), *others]
    for at, ways in spellings.grouped(words):
        known = groups.setdefault(at, [])
        known += [way for way in ways if way not in known]
    return Spelled(groups, spellings.other_spellings(words))


def texts_of(words: QueryWords, spelled: Spelled) -> set[str]:
    """Return all texts that :func:`terms` needs looked up."""
    texts = {*words.words, *words.excluded, *(" ".join(phrase) for phrase in words.phrases)}
    for ways in [*spelled.groups.values(), *spelled.others.values()]:
        texts |= {text for text, _weight in ways}
    return texts | {thing for _start, _end, thing in words.negated}


def terms(words: QueryWords, spelled: Spelled, looked: dict[str, Looked]) -> list[Term]:
    """Return one term for each word or group of words, the longest groups first.

    Stop words have no term, unless the query consists of them.
    """
    found: list[Term] = []
    taken: set[int] = set()
    for start, end in sorted(spelled.groups, key=lambda at: (at[0] - at[1], at[0])):
        places = range(start, end)
        if not taken & set(places):
            others = [way for at in places for way in known_spellings(at, spelled, looked)]
            term = _term([*spelled.groups[start, end], *others], looked, start, end)
            if term:
                taken |= set(places)
                found.append(term)
    for at, word in enumerate(words.words):
        if at in taken or spellings.is_and(words.words, at):
            continue
        others = known_spellings(at, spelled, looked)
        # A single letter is meant even if it is a stop word: "t shirt".
        ways = [(word, SAME), *others] if looked[word].query or len(word) == 1 else []
        if term := _term(ways, looked, at, at + 1):
            found.append(term)
    found = [_avoiding(term, words, looked) for term in found]
    return sorted(found, key=lambda term: term.start) or _of_stop_words(words, looked)


def known_spellings(at: int, spelled: Spelled, looked: dict[str, Looked]) -> list[Spelling]:
    """Return other spellings of a word whose words are in some document."""
    return [way for way in spelled.others.get(at, ()) if looked[way[0]].documents]


def _avoiding(term: Term, words: QueryWords, looked: dict[str, Looked]) -> Term:
    """Let products that do not mention sugar hold the term ``no sugar`` too, in the score."""
    for start, end, thing in words.negated:
        if (start, end) == (term.start, term.end) and (query := looked[thing].query):
            return replace(term, held=f"{term.query} | !({query})")
    return term


def _of_stop_words(words: QueryWords, looked: dict[str, Looked]) -> list[Term]:
    """Return terms for ``the who``: titles and brands are also found by their stop words."""
    return [
        Term((Alternative(word, looked[word].plain, looked[word].documents),), at, at + 1)
        for at, word in enumerate(words.words)
        if not looked[word].query and looked[word].plain
    ]


def _term(
    texts: Sequence[tuple[str, float]], looked: dict[str, Looked], start: int, end: int
) -> Term | None:
    spoken = [(text, weight) for text, weight in texts if looked[text].query]
    # Alternatives without documents cost time without results; the first is as typed.
    known = [way for way in spoken if looked[way[0]].documents] or spoken[:1]
    alternatives = [
        Alternative(
            text,
            looked[text].query,
            looked[text].documents,
            weight * (1.0 if _is_whole(text, looked[text]) else PARTIAL),
            looked[text].listed,
        )
        for text, weight in dict(reversed(known)).items()
    ]
    return Term(tuple(reversed(alternatives)), start, end) if alternatives else None


def _is_whole(text: str, looked: Looked) -> bool:
    """Return True if every word has a lexeme; False for ``t shirt``, because ``t`` is a stop
    word."""
    return looked.query.count("'") >= 2 * len(text.split())
