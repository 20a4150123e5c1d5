"""A check whether a model has learned to read a text.

A model gives every text a vector, even in a language that it has never seen. Its tokeniser then
knows letters but no words, or neither, and the vectors of unlike products are alike.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Any

#: A model reads a script if its vocabulary holds this many words or pieces of words of the script.
#: An English vocabulary has 27,500 of Latin and 8 of Cyrillic. A small vocabulary needs fewer.
PIECES = 300
PIECES_SHARE = 0.02

#: Scripts whose single letters are words, and the letters that a model of the script knows. An
#: English model's vocabulary has 488 Chinese characters.
LETTERS = {"CJK": 2000, "HANGUL": 500}

#: Letters of a text that decide its script.
JUDGED = 1000

#: Japanese uses all three scripts, and a model that reads the characters was taught the others.
_JAPANESE = {"HIRAGANA", "KATAKANA"}


class Reader:
    """The texts that the tokeniser of a text network has learned to read."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def reads(self, text: str, tokens: Sequence[int], frame: Sequence[int]) -> bool:
        """Return False if most letters are of an unlearned script, or most tokens are unknown.

        ``tokens`` are the ids of ``text`` within its ``frame``: the prompt before it, and the ids
        that the tokeniser puts before and after every text. The result is also False for a text
        without letters and digits, because it has no meaning.
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
        """Return the scripts whose words, or pieces of words, are in the vocabulary."""
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
        """Return every token decoded, because byte-level tokenisers use their own letters."""
        special = set(self._tokenizer.all_special_ids)
        ids = [id_ for id_ in self._tokenizer.get_vocab().values() if id_ not in special]
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        if backend is None:
            return list(map(str, self._tokenizer.convert_ids_to_tokens(ids)))
        return list(backend.decode_batch([[id_] for id_ in ids], skip_special_tokens=False))


def scripts(text: str) -> Iterable[str]:
    """Yield the script of each letter of a text, of its first ``JUDGED`` letters at most."""
    letters = 0
    for character in text:
        if character.isalpha() and letters < JUDGED:
            letters += 1
            yield script_of(character)


@lru_cache(maxsize=20_000)
def script_of(letter: str) -> str:
    """Return the first word of its Unicode name: ``LATIN``, ``CYRILLIC``, ``THAI``, ``CJK``."""
    return unicodedata.name(unicodedata.normalize("NFKC", letter)[0], "UNNAMED").split()[0]
