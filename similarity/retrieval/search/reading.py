"""A query read against the index: its terms, with misspelt words put right."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from similarity.catalog import wording
from similarity.retrieval.search import spelling, terms
from similarity.retrieval.search.lexical import LexicalQuery
from similarity.retrieval.search.spelling import Known
from similarity.retrieval.search.synonyms import synonyms
from similarity.retrieval.search.terms import COMPLETION, Looked
from similarity.retrieval.search.words import QueryWords, parse_query

Others = dict[tuple[int, int], list[tuple[str, float]]]


@dataclass(frozen=True)
class Reading:
    """``words`` as they are searched for; ``did_you_mean`` is the query put right, or ""."""

    words: QueryWords
    query: LexicalQuery
    did_you_mean: str = ""

    @property
    def text(self) -> str:
        """What is searched for, as a shopper would write it."""
        return self.did_you_mean or self.words.text


def read(text: str, using: str) -> Reading:
    """One database query for a query of known words; more where one is not known."""
    words = parse_query(text)
    looked, others, total = _look_up(words, {}, using)
    unknown = [word for word in words.words if _is_unknown(word, words, looked)]
    fixes, completed = _repair(words, unknown, using)
    meant = ""
    if fixes:
        meant = _replaced(words.text, fixes)
        words = replace(parse_query(meant), open_end=words.open_end)
    if fixes or completed:
        looked, others, total = _look_up(words, completed, using)
    query = LexicalQuery(
        terms=terms.terms(words, others, looked),
        total=total,
        phrases=[looked[" ".join(phrase)].query for phrase in words.phrases],
        excluded=[looked[word].query for word in words.excluded],
    )
    return Reading(words, query, meant)


def _look_up(
    words: QueryWords, completed: dict[str, Sequence[Known]], using: str
) -> tuple[dict[str, Looked], Others, int]:
    others = terms.spans(words, synonyms(using))
    if completed and words.words:
        last = len(words.words) - 1
        more = completed.get(words.words[last], ())
        others.setdefault((last, last + 1), []).extend((one.word, COMPLETION) for one in more)
    looked, total = terms.look_up(terms.texts_of(words, others), using)
    return looked, others, total


def _is_unknown(word: str, words: QueryWords, looked: dict[str, Looked]) -> bool:
    """Words in quotes are meant as they are."""
    quoted = any(word in phrase for phrase in words.phrases)
    return bool(looked[word].query) and not looked[word].documents and not quoted


def _repair(
    words: QueryWords, unknown: Sequence[str], using: str
) -> tuple[dict[str, str], dict[str, Sequence[Known]]]:
    """(unknown word → what it is replaced by, last word → its completions)."""
    fixes: dict[str, str] = {}
    for word in unknown:
        last = words.open_end and word == words.words[-1]
        if last and (found := spelling.completions(word, using)):
            return fixes, {word: found}
        if word in words.measures or any(word in joined for _parts, joined in words.compounds):
            continue
        if split := spelling.parts(word, using):
            fixes[word] = " ".join(split)
        elif fixed := spelling.correction(word, using):
            fixes[word] = fixed
    return fixes, {}


def _replaced(text: str, fixes: dict[str, str]) -> str:
    """The query as it was typed, but for the words put right."""

    def fixed(match: re.Match[str]) -> str:
        said = wording.words_of(match[0])
        return fixes.get(said[0], match[0]) if len(said) == 1 else match[0]

    return re.sub(r"[\w'\u2019]+", fixed, text)
