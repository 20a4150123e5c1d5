"""Absent things as one word: ``no sugar``, ``sugar-free``, ``ohne Zucker`` → ``nosugar``."""

from collections.abc import Iterator, Sequence

#: Words before an absent thing.
NEGATIONS = frozenset(["no", "without", "ohne", "sans", "sin", "senza", "sem", "zonder"])
#: Read so only in catalogue texts, because in a query a brand or name may begin with them.
_DESCRIBED = NEGATIONS | {"non", "zero"}
_FREE = ("free", "frei", "less")
_FROM = ("of", "from", "von")
#: Words that may stand between: ``without any added sugar``.
_BETWEEN = frozenset(["the", "a", "an", "any", "added", "more", "all"])
#: Words that are never the absent thing: ``for free``, ``and free shipping``.
_NO_THINGS = frozenset(
    ["for", "is", "and", "or", "with", "get", "buy", "of", "from", "you", "a", "the"]
)
_SHORTEST = 3


def negated(words: Sequence[str]) -> Iterator[str]:
    """Yield ``nosugar`` for each thing that the words of a catalogue's text call absent."""
    for at, word in enumerate(words):
        if word in _DESCRIBED and (thing := thing_after(words, at)):
            yield spelled(words[thing])
        if word in _FREE[:2]:
            if at + 2 < len(words) and words[at + 1] in _FROM and _is_thing(words[at + 2]):
                yield spelled(words[at + 2])
        elif word.endswith(_FREE) and len(word) >= len("free") + 4:
            yield spelled(word[: -len("free")])
    for _at, before in things_before(words):
        yield spelled(before)


def things_before(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield (place of the ``free``, ``sugar``) of ``sugar free``."""
    for at, word in enumerate(words):
        if word in _FREE[:2] and at and _is_thing(words[at - 1]):
            yield at, words[at - 1]


def thing_after(words: Sequence[str], at: int) -> int | None:
    """Return the place of the thing that word ``at`` negates; a number is no thing (``no 5``)."""
    following = range(at + 1, min(at + 4, len(words)))
    thing = next((one for one in following if words[one] not in _BETWEEN), None)
    return thing if thing is not None and _is_thing(words[thing]) else None


def spelled(thing: str) -> str:
    return f"no{thing}"


def _is_thing(word: str) -> bool:
    return len(word) >= _SHORTEST and word.isalpha() and word not in _NO_THINGS
