"""From the words of a query to what the index is asked for: terms, each with alternatives."""

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

#: What a synonym's match counts, the word itself counting 1.
SYNONYM = 0.8
#: What a completion of the word being typed counts.
COMPLETION = 0.9
#: What a phrase counts that lost a stop word: ``t-shirt`` must not be any shirt.
PARTIAL = 0.5


class Looked(NamedTuple):
    """A text as the index knows it."""

    #: A tsquery as text; "" where the text is stop words only.
    query: str
    #: Documents with its rarest lexeme, as last counted; 0 where the index does not know it.
    documents: int
    #: Whether it is one lexeme that has a champion list.
    listed: bool = False
    #: The word as it is, where it is a stop word.
    plain: str = ""


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
    #: A tsquery of what holds the term when it is scored; "" where that is :attr:`query`.
    held: str = ""

    @property
    def query(self) -> str:
        """A tsquery, as text."""
        queries = list(dict.fromkeys(one.query for one in self.alternatives))
        return queries[0] if len(queries) == 1 else f"({' | '.join(queries)})"

    @property
    def documents(self) -> int:
        return sum(one.documents for one in self.alternatives)

    @property
    def is_minor(self) -> bool:
        """Whether it says little by itself: a number without a unit, or what is not wanted."""
        return bool(self.held) or numbers.is_number(self.alternatives[0].text)

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
    """All ways in which a query's words may be said."""

    #: ``words[start:end]`` → the texts of one term.
    groups: dict[tuple[int, int], list[Spelling]]
    #: Place of a word → texts that it is found by as well, where the index knows them.
    others: dict[int, list[Spelling]]


def spell(words: QueryWords, synonyms: Terms) -> Spelled:
    """The spellings of the words, and the synonyms from the admin."""
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
    """All that :func:`terms` needs looked up."""
    texts = {*words.words, *words.excluded, *(" ".join(phrase) for phrase in words.phrases)}
    for ways in [*spelled.groups.values(), *spelled.others.values()]:
        texts |= {text for text, _weight in ways}
    return texts | {thing for _start, _end, thing in words.negated}


def terms(words: QueryWords, spelled: Spelled, looked: dict[str, Looked]) -> list[Term]:
    """One term for each word or group of words, the longest groups first; stop words have none,
    unless there is nothing else."""
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
        # Of a stop word only a letter means something: "t shirt".
        ways = [(word, SAME), *others] if looked[word].query or len(word) == 1 else []
        if term := _term(ways, looked, at, at + 1):
            found.append(term)
    found = [_avoiding(term, words, looked) for term in found]
    return sorted(found, key=lambda term: term.start) or _of_stop_words(words, looked)


def known_spellings(at: int, spelled: Spelled, looked: dict[str, Looked]) -> list[Spelling]:
    """Other spellings of a word that some document has the words of."""
    return [way for way in spelled.others.get(at, ()) if looked[way[0]].documents]


def _avoiding(term: Term, words: QueryWords, looked: dict[str, Looked]) -> Term:
    """Of ``no sugar`` what does not speak of sugar at all holds the term, too, once scored."""
    for start, end, thing in words.negated:
        if (start, end) == (term.start, term.end) and (query := looked[thing].query):
            return replace(term, held=f"{term.query} | !({query})")
    return term


def _of_stop_words(words: QueryWords, looked: dict[str, Looked]) -> list[Term]:
    """``the who``: titles and brands are found by their stop words, too."""
    return [
        Term((Alternative(word, looked[word].plain, looked[word].documents),), at, at + 1)
        for at, word in enumerate(words.words)
        if not looked[word].query and looked[word].plain
    ]


def _term(
    texts: Sequence[tuple[str, float]], looked: dict[str, Looked], start: int, end: int
) -> Term | None:
    spoken = [(text, weight) for text, weight in texts if looked[text].query]
    # One that no document has the words of costs time and finds nothing; the first is as typed.
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
    """Whether every word has a lexeme: of ``t shirt``, ``t`` is a stop word."""
    return looked.query.count("'") >= 2 * len(text.split())
