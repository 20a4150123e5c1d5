"""Words the index does not know: completed, split, or corrected."""

import string
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connections
from psycopg.sql import SQL

from similarity import conf
from similarity.catalog.folding import MARKS
from similarity.search import sampling
from similarity.search.models import SearchWord
from similarity.search.models.documents import SHARES
from similarity.similar.planner_settings import fetch_under
from similarity.similar.within import Within, compose, parameter

#: Words with fewer letters are too similar to each other to be corrected.
SHORTEST = 3
#: The cost grows with the letters; shoppers rarely mistype longer words.
LONGEST = 20
#: The most words of a query that are corrected.
MOST_WORDS = 4
#: Words with at least this many letters may have two slips.
TWO_SLIPS = 6
#: The least trigram similarity of a word that is checked for two slips.
SIMILAR = 0.3
#: The most completions of the word being typed.
COMPLETIONS = 8
#: The most corrections of a word that are tried; the first that a product has is offered.
TRIED = 5

#: Letters that a slip may add to a word, if the whole word is of their alphabet.
_ALPHABETS = (
    string.ascii_lowercase,
    "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "αβγδεζηθικλμνξοπρστυφχψως",
)


class Known(NamedTuple):
    """A word of the catalogue and how many documents hold it."""

    word: str
    documents: int


def completions(prefix: str, using: str, most: int = COMPLETIONS) -> list[Known]:
    """Return words that begin with ``prefix``, the most frequent first."""
    if not prefix:
        return []
    rows = SearchWord.objects.using(using).filter(word__startswith=prefix)
    pairs = rows.order_by("-documents", "word").values_list("word", "documents")
    return [Known(*pair) for pair in pairs[:most]]


def corrections(words: Sequence[str], within: Within) -> dict[str, str]:
    """Return unknown word → the two words it is made of, or its correction.

    The correction is the word with the fewest slips, then the most frequent. A slip is a letter
    wrong, missing, too many, or two of them swapped. Only words that a product of ``within`` has
    are offered, so that the words of a hidden product stay hidden. Words with digits stay as they
    are, because a model number one digit away is another product. At most MOST_WORDS are looked at.
    """
    asked = [word for word in dict.fromkeys(words) if _can_be_put_right(word)][:MOST_WORDS]
    near = {word: one_slip(word) for word in asked}
    halves = {half for word in asked for split in _splits(word) for half in split}
    counts = dict(known(halves.union(*near.values()), within.using))
    tried = {}
    for word in asked:
        found = [Known(one, counts[one]) for one in near[word] if one in counts]
        parted = _parted(word, counts)
        if not found and not parted and len(word) >= TWO_SLIPS:
            similar = _similar(word, within.using)
            found = [one for one in similar if _distance(word, one.word) <= 2]
        found.sort(key=lambda one: _preference(word, one))
        tried[word] = [*parted, *(one.word for one in found)][:TRIED]
    texts = list(dict.fromkeys(text for some in tried.values() for text in some))
    held = set(finding(texts, within, among_words=True))
    chosen = {word: next(filter(held.__contains__, some), "") for word, some in tried.items()}
    return {word: meant for word, meant in chosen.items() if meant}


def finding(texts: Sequence[str], within: Within, *, among_words: bool = False) -> list[str]:
    """Return the texts of which one product of ``within`` has all words.

    With ``among_words`` they must be words of its title, brand, category and listed attributes,
    unstemmed. A share of all documents is searched first: common words are found there already, and
    for rare words the index has little to read. Of texts with one stem the first is returned.
    """
    if not texts or within.keys is None:
        return []
    passes = sampling.passing(within)
    spoken = "similarity_candidate.words @> string_to_array(asked.text, ' ')"
    sure, perhaps = (
        compose(
            "EXISTS (SELECT FROM similarity_searchdocument AS similarity_candidate "
            "WHERE similarity_candidate.document @@ query AND {spoken} AND {drawn} AND {passes})",
            spoken=SQL(spoken if among_words else "TRUE"),
            drawn=SQL(sampling.drawn(share)),
            passes=passes,
        )
        for share in (SHARES[-1], 1)
    )
    query = compose(
        "SELECT query::text, asked.text "
        "FROM unnest({texts}::text[]) WITH ORDINALITY AS asked(text, place), "
        "plainto_tsquery({config}::regconfig, unaccent(asked.text)) AS query "
        "WHERE CASE WHEN {sure} THEN TRUE ELSE {perhaps} END ORDER BY place DESC",
        texts=parameter(list(texts)),
        config=parameter(conf.get("SEARCH", "LANGUAGE")),
        sure=sure,
        perhaps=perhaps,
    )
    with connections[within.using].cursor() as cursor:
        cursor.execute(*query)
        rows = cursor.fetchall()
    if among_words:
        return [text for _query, text in reversed(rows)]
    return list(dict(rows).values())[::-1]


def known(words: Iterable[str], using: str) -> list[Known]:
    """Return the words that the catalogue has."""
    with connections[using].cursor() as cursor:
        # One array, because hundreds of parameters take longer to bind than to find.
        cursor.execute(
            "SELECT word, documents FROM similarity_searchword WHERE word = ANY(%s)", [list(words)]
        )
        return [Known(*row) for row in cursor.fetchall()]


def one_slip(word: str) -> set[str]:
    """Return all texts one slip away, with letters of the word's alphabet and of the word itself.

    Latin words also get their plurals, because a catalogue may know ``sandals`` and not ``sandal``.
    """
    alphabet = next((some for some in _ALPHABETS if set(word) <= set(some)), "")
    letters = {*alphabet, *word}
    splits = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    near = {head + tail[1:] for head, tail in splits if tail}
    near |= {head + tail[1] + tail[0] + tail[2:] for head, tail in splits if len(tail) > 1}
    near |= {head + letter + tail[1:] for head, tail in splits if tail for letter in letters}
    near |= {head + letter + tail for head, tail in splits for letter in letters}
    if word.isascii():
        near |= {f"{one}s" for one in near}
    return near - {word}


def slips(one: str, other: str) -> int:
    """Return the optimal string alignment distance: Levenshtein's, with swaps of neighbours."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        last, before, row = before, row, [at]
        for to, wanted in enumerate(other, start=1):
            cost = min(before[to] + 1, row[to - 1] + 1, before[to - 1] + (letter != wanted))
            if at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == wanted:
                cost = min(cost, last[to - 2] + 1)
            row.append(cost)
    return row[-1]


def _can_be_put_right(word: str) -> bool:
    letters = all(letter.isalpha() or letter in MARKS for letter in word)
    return SHORTEST <= len(word) <= LONGEST and letters


def _splits(word: str) -> list[tuple[str, str]]:
    return [(word[:at], word[at:]) for at in range(SHORTEST, len(word) - SHORTEST + 1)]


def _parted(word: str, counts: dict[str, int]) -> list[str]:
    """Split two joined words, ``sleepingbag``; sort by the frequency of the rarer half."""
    possible = [split for split in _splits(word) if all(half in counts for half in split)]
    possible.sort(key=lambda split: -min(counts[half] for half in split))
    return [" ".join(split) for split in possible]


def _distance(word: str, other: str) -> int:
    """Return the slips to the word, or to its singular if that is nearer."""
    singular = other[:-1] if other.endswith("s") and other.isascii() else other
    return min(slips(word, other), slips(word, singular))


def _preference(word: str, candidate: Known) -> tuple[int, bool, bool, bool, int, str]:
    """Return a sort key: fewest slips, then the same first letter, then not merely cut short.

    ``sand`` is ``sandl`` cut short. Then come the word as it is before its plural, and the most
    frequent.
    """
    other = candidate.word
    distance = _distance(word, other)
    return (
        distance,
        word[0] != other[0],
        word.startswith(other),
        slips(word, other) > distance,
        -candidate.documents,
        other,
    )


def _similar(word: str, using: str) -> Sequence[Known]:
    rows = fetch_under(
        using,
        {"pg_trgm.similarity_threshold": str(SIMILAR)},
        "SELECT word, documents FROM similarity_searchword WHERE word %% %s "
        "AND length(word) BETWEEN %s AND %s ORDER BY similarity(word, %s) DESC LIMIT 50",
        [word, len(word) - 2, len(word) + 2, word],
    )
    return [Known(*row) for row in rows]
