"""Words the index does not know: completed, taken apart, joined, or put right."""

import string
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connections

from similarity.models import SearchWord
from similarity.retrieval.session import fetch_under

#: Words with fewer letters are too like each other to be put right.
SHORTEST = 3
#: From so many letters on, two slips are allowed.
TWO_SLIPS = 6
#: Trigram similarity from which a word is looked at for two slips.
SIMILAR = 0.3
#: Completions of the word being typed that are searched for.
COMPLETIONS = 8


class Known(NamedTuple):
    """A word of the catalogue and how many documents hold it."""

    word: str
    documents: int


def completions(prefix: str, using: str, most: int = COMPLETIONS) -> list[Known]:
    """Words that begin with ``prefix``, the most frequent first."""
    if not prefix:
        return []
    rows = SearchWord.objects.using(using).filter(word__startswith=prefix)
    pairs = rows.order_by("-documents", "word").values_list("word", "documents")
    return [Known(*pair) for pair in pairs[:most]]


def correction(word: str, using: str) -> str | None:
    """The word that was meant: the fewest slips away, then the most frequent; None without one.

    A slip is a letter wrong, missing, too many, or two of them swapped. Words with digits are
    left as they are: of model numbers a neighbour is another thing.
    """
    if len(word) < SHORTEST or not word.isalpha():
        return None
    near = known(one_slip(word), using)
    if not near and len(word) >= TWO_SLIPS:
        near = [one for one in _similar(word, using) if slips(word, one.word) <= 2]
    best = min(near, key=lambda one: _preference(word, one), default=None)
    return best.word if best else None


def known(words: Iterable[str], using: str) -> list[Known]:
    """Those of the words that the catalogue has."""
    with connections[using].cursor() as cursor:
        # As one array: hundreds of slips as parameters each take longer to bind than to find.
        cursor.execute(
            "SELECT word, documents FROM similarity_searchword WHERE word = ANY(%s)", [list(words)]
        )
        return [Known(*row) for row in cursor.fetchall()]


def parts(word: str, using: str) -> tuple[str, str] | None:
    """Two words written as one, ``sleepingbag``: the split whose rarer half is most frequent."""
    if len(word) < 2 * SHORTEST:
        return None
    splits = [(word[:at], word[at:]) for at in range(SHORTEST, len(word) - SHORTEST + 1)]
    counts = dict(known({half for split in splits for half in split}, using))
    possible = [split for split in splits if all(half in counts for half in split)]
    return max(possible, key=lambda split: min(counts[half] for half in split), default=None)


def one_slip(word: str) -> set[str]:
    """All that is one slip away, by the Latin letters and those of the word itself."""
    letters = {*string.ascii_lowercase, *word}
    splits = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    near = {head + tail[1:] for head, tail in splits if tail}
    near |= {head + tail[1] + tail[0] + tail[2:] for head, tail in splits if len(tail) > 1}
    near |= {head + letter + tail[1:] for head, tail in splits if tail for letter in letters}
    near |= {head + letter + tail for head, tail in splits for letter in letters}
    return near - {word}


def slips(one: str, other: str) -> int:
    """Optimal string alignment distance: Levenshtein's, with swaps of neighbours."""
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


def _preference(word: str, candidate: Known) -> tuple[int, bool, int, str]:
    """Fewest slips, then the first letter kept, then the most frequent."""
    other = candidate.word
    return slips(word, other), word[0] != other[0], -candidate.documents, other


def _similar(word: str, using: str) -> Sequence[Known]:
    rows = fetch_under(
        using,
        {"pg_trgm.similarity_threshold": str(SIMILAR)},
        "SELECT word, documents FROM similarity_searchword WHERE word %% %s "
        "AND length(word) BETWEEN %s AND %s ORDER BY similarity(word, %s) DESC LIMIT 50",
        [word, len(word) - 2, len(word) + 2, word],
    )
    return [Known(*row) for row in rows]
