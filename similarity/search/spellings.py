"""Other spellings of a query's words in the catalogue: joined and parted.

``M10 x 40`` and ``M10x40``, ``DIN 933`` and ``DIN933``, ``damen schuhe`` and ``Damenschuhe``,
``h&m`` and ``hm``, ``100 ml`` and ``100ml`` are the same. Documents hold the joined spelling of
compounds, see :func:`similarity.catalog.wording.extra_words_of`. This module adds all other
spellings to the query; a spelling that the index does not know costs one look-up.
"""

from collections.abc import Iterator, Sequence

from similarity.catalog import wording
from similarity.search.words import QueryWords

#: A text that also finds words of the query, and the weight of its match.
Spelling = tuple[str, float]

#: A word in two spellings is the same word.
SAME = 1.0
#: Words that stand side by side for one word of the query: ``sofa bed`` for ``sofabed``.
PARTED = 0.8
#: A number without its sign: ``10`` for ``-10``.
UNSIGNED = 0.5

#: The most neighbours that are joined: ``wh 1000 xm4``.
_JOINED = 3
#: Words with fewer letters are not parted: a ``carpet`` is not a pet for a car.
_SHORTEST_PARTED = 7
_SHORTEST_PART = 3
_LONGEST_PARTED = 25
#: The most words of a query that are parted: long queries find products without it.
_MOST_PARTED = 3


def grouped(words: QueryWords) -> Iterator[tuple[tuple[int, int], list[Spelling]]]:
    """Yield the words of the query that form one term, ``words[start:end]``, and its spellings."""
    for start, end, thing in words.negated:
        yield (start, end), [(wording.spelled(thing), SAME)]
    for compound in words.compounds:
        if "/" not in compound.written and (at := _position(words.words, compound.parts)):
            parts = list(compound.parts)
            ways = [" ".join(parts), *compound.joined]
            if "&" in compound.written:
                ways.append(" and ".join(parts))
            yield at, [(way, SAME) for way in ways]
    yield from _measured(words)
    for number in words.below_zero:
        unsigned = number.removeprefix("minus").replace("d", ".")
        if at := _position(words.words, (unsigned,)):
            yield at, [(number, SAME), (unsigned, UNSIGNED)]


def other_spellings(words: QueryWords) -> dict[int, list[Spelling]]:
    """Return place of a word → texts that also find it, alone or with its neighbours."""
    found: dict[int, list[Spelling]] = {}
    for start in range(len(words.words)):
        for end in range(start + 2, min(start + _JOINED, len(words.words)) + 1):
            for joined in _joined(words.words[start:end]):
                for at in range(start, end):
                    found.setdefault(at, []).append((joined, SAME))
    for at, thing in wording.things_before(words.words):
        for place in (at - 1, at):
            found.setdefault(place, []).append((wording.spelled(thing), SAME))
    for at, word in enumerate(words.words):
        ways = [(way, SAME) for way in wording.border_spellings(word)]
        if word not in words.measures:
            found.setdefault(at, []).extend(ways)
    long = [at for at, word in enumerate(words.words) if _may_be_parted(word)]
    for at in long[:_MOST_PARTED]:
        word, last = words.words[at], len(words.words[at]) - _SHORTEST_PART
        ways = [(f"{word[:cut]} {word[cut:]}", PARTED) for cut in range(_SHORTEST_PART, last + 1)]
        found.setdefault(at, []).extend(ways)
    return found


def is_and(words: Sequence[str], at: int) -> bool:
    """Return True for the ``n`` of ``rock n roll``, also written ``and`` or ``&``."""
    return words[at] == wording.AND and 0 < at < len(words) - 1


def _joined(words: Sequence[str]) -> Iterator[str]:
    """Yield the words as one word, except for scripts without blanks, whose pieces are words."""
    joined = "".join(words)
    if "." in joined or len(joined) > wording.LONGEST or wording.is_unspaced(joined):
        return
    if not joined.isdecimal():
        yield joined
    if len(words) == _JOINED and words[1] in wording.ANDS:
        yield from wording.joined_by_and(words[0], words[2])


def _may_be_parted(word: str) -> bool:
    long = _SHORTEST_PARTED <= len(word) <= _LONGEST_PARTED
    return long and word.isalpha() and not wording.is_unspaced(word)


def _measured(words: QueryWords) -> Iterator[tuple[tuple[int, int], list[Spelling]]]:
    """Yield the places of words such as ``100 ml`` that ``100ml`` also finds."""
    for start in range(len(words.words)):
        for end in (start + 1, start + 2):
            text = " ".join(words.words[start:end])
            if end <= len(words.words) and wording.measures_of(text) in (
                [m] for m in words.measures
            ):
                joined = wording.measures_of(text)[0]
                if text != joined and not (
                    end - start == 2 and wording.measures_of(words.words[start])
                ):
                    yield (start, end), [(text, SAME), (joined, SAME)]


def _position(words: Sequence[str], parts: Sequence[str]) -> tuple[int, int] | None:
    for start in range(len(words) - len(parts) + 1):
        if parts and tuple(words[start : start + len(parts)]) == tuple(parts):
            return start, start + len(parts)
    return None
