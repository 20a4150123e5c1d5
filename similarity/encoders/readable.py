"""Tells texts that a model has learned to read from texts that it only seems to read.

A model gives every text a vector, also one in a language it has never seen: its tokeniser then
knows letters and no words, or nothing at all, and the vectors of unlike products are alike.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Any

#: A vocabulary that holds so many words or pieces of words of a script is of a model that reads
#: it. One of English has 27,500 of Latin and 8 of Cyrillic; one of few words needs fewer.
PIECES = 300
PIECES_SHARE = 0.02

#: Scripts whose single letters are words, and how many letters a model that reads them knows.
#: The vocabulary of an English one has 488 Chinese characters.
LETTERS = {"CJK": 2000, "HANGUL": 500}

#: Letters of a text by which its script is judged.
JUDGED = 1000

#: Japanese is written in all three, and a model that reads the characters was taught the rest.
_JAPANESE = {"HIRAGANA", "KATAKANA"}


class Reader:
    """What the tokeniser of a text network has learned to read."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def reads(self, text: str, tokens: Sequence[int], frame: Sequence[int]) -> bool:
        """True unless most letters are of a script, or most tokens are words, it has not learned.

        ``tokens`` are the ids of ``text`` within its ``frame``: the prompt before it, and what
        the tokeniser puts before and behind every text. A text without any letter or digit
        tells nothing.
        """
        if not any(map(str.isalnum, text)):
            return False
        unknown = self._tokenizer.unk_token_id
        count = list(tokens).count(unknown) - list(frame).count(unknown)
        if 2 * count > len(tokens) - len(frame):
            return False
        if text.isascii():
            return True
        found = Counter(scripts(text))
        return 2 * sum(found[script] for script in found.keys() & self.scripts) >= found.total()

    @cached_property
    def scripts(self) -> frozenset[str]:
        """Scripts of which the vocabulary holds words, or pieces of them."""
        pieces = self._pieces()
        words, letters = Counter[str](), Counter[str]()
        for piece in pieces:
            of_piece = list(scripts(piece))
            counter = words if len(of_piece) > 1 else letters
            counter.update(set(of_piece))
        enough = min(PIECES, PIECES_SHARE * len(pieces))
        read = {script for script, count in words.items() if count >= enough}
        read |= {script for script, least in LETTERS.items() if letters[script] >= least}
        return frozenset(read | _JAPANESE if "CJK" in read else read)

    def _pieces(self) -> list[str]:
        """Every token as text; byte-level tokenisers write theirs in letters of their own."""
        special = set(self._tokenizer.all_special_ids)
        ids = [id_ for id_ in self._tokenizer.get_vocab().values() if id_ not in special]
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        if backend is None:
            return list(map(str, self._tokenizer.convert_ids_to_tokens(ids)))
        return list(backend.decode_batch([[id_] for id_ in ids], skip_special_tokens=False))


def scripts(text: str) -> Iterable[str]:
    """The script of each letter of a text, of its first ``JUDGED`` letters at most."""
    letters = 0
    for character in text:
        if character.isalpha() and letters < JUDGED:
            letters += 1
            yield script_of(character)


@lru_cache(maxsize=20_000)
def script_of(letter: str) -> str:
    """The first word of its Unicode name: ``LATIN``, ``CYRILLIC``, ``THAI``, ``CJK``."""
    return unicodedata.name(unicodedata.normalize("NFKC", letter)[0], "UNNAMED").split()[0]
