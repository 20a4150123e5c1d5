"""A query resolved against the index: its terms, with misspelt words corrected."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from similarity.catalog import wording
from similarity.catalog.folding import MARKS
from similarity.search import lexical, spelling, terms
from similarity.search.budget import UNLIMITED, Budget
from similarity.search.lexical import LexicalQuery
from similarity.search.spelling import Known
from similarity.search.spellings import PARTED, SAME
from similarity.search.synonyms import synonyms
from similarity.search.terms import COMPLETION, Looked, Spelled
from similarity.search.words import QueryWords, parse_query
from similarity.similar.within import Within

_TYPED_WORD = re.compile(rf"[\w{MARKS}'\u2019]+")


@dataclass(frozen=True)
class ResolvedQuery:
    """The words to search for; ``did_you_mean`` is the corrected query, or "".

    ``words.price`` is the price range that limits the hits; None if the query's numbers are words.
    """

    words: QueryWords
    query: LexicalQuery
    did_you_mean: str = ""

    @property
    def text(self) -> str:
        """Return the query that is searched for, as a shopper would write it."""
        return self.did_you_mean or self.words.text


def resolve_query(text: str, within: Within, budget: Budget = UNLIMITED) -> ResolvedQuery:
    """Resolve a query: its words, terms, corrections and price.

    Needs one database query if the index knows all words. Needs more for an unknown word, and one
    or two more for a price without a currency.

    Treat an uncertain price (``puzzle under 3``) as words if a product of ``within`` holds all
    words and the number.
    """
    words = parse_query(text)
    if words.price and not words.price.certain:
        plain = _read(parse_query(words.as_words, prices=False), within, budget, repaired=False)
        known = all(term.documents for term in plain.query.terms)
        if known and lexical.best(plain.query, within, "all", 1, budget)[1]:
            return replace(plain, words=replace(plain.words, text=words.text))
    return _read(words, within, budget)


def _read(
    words: QueryWords, within: Within, budget: Budget, *, repaired: bool = True
) -> ResolvedQuery:
    looked, spelled, total = _look_up(words, {}, within.using)
    places = range(len(words.words)) if repaired else ()
    unknown = [at for at in places if _is_unknown(at, words, spelled, looked)]
    nothing: tuple[dict[str, str], dict[str, Sequence[Known]]] = ({}, {})
    repair = partial(_repair, words, unknown, within)
    fixes, completed = budget.attempt(within.using, repair, nothing) if unknown else nothing
    meant = ""
    if fixes:
        meant = _replaced(words.text, fixes)
        words = replace(parse_query(meant, prices=bool(words.price)), open_end=words.open_end)
    if fixes or completed:
        looked, spelled, total = _look_up(words, completed, within.using)
    query = LexicalQuery(
        terms=terms.terms(words, spelled, looked),
        total=total,
        phrases=[looked[" ".join(phrase)].query for phrase in words.phrases],
        excluded=[looked[word].query for word in words.excluded],
    )
    return ResolvedQuery(words, query, meant)


def _look_up(
    words: QueryWords, completed: dict[str, Sequence[Known]], using: str
) -> tuple[dict[str, Looked], Spelled, int]:
    spelled = terms.spell(words, synonyms(using))
    if completed and words.words:
        last = len(words.words) - 1
        more = completed.get(words.words[last], ())
        ways = spelled.groups.setdefault((last, last + 1), [(words.words[last], SAME)])
        ways.extend((one.word, COMPLETION) for one in more)
    looked, total = terms.look_up(terms.texts_of(words, spelled), using)
    return looked, spelled, total


def _is_unknown(at: int, words: QueryWords, spelled: Spelled, looked: dict[str, Looked]) -> bool:
    """Return True if the index knows neither the word at ``at`` nor another spelling of it.

    The other spellings are those of the word and of the compounds it belongs to. A split word does
    not count, because its two parts may be known without standing together. Words in quotes are
    meant as typed.
    """
    word = words.words[at]
    if not looked[word].query or looked[word].documents:
        return False
    if any(word in phrase for phrase in words.phrases):
        return False
    groups = [ways for (start, end), ways in spelled.groups.items() if start <= at < end]
    ways = [way for some in groups for way in some] + spelled.others.get(at, [])
    negated = any(start <= at < end for start, end, _thing in words.negated)
    known = any(looked[text].documents for text, weight in ways if weight != PARTED)
    return not negated and not known


def _repair(
    words: QueryWords, unknown: Sequence[int], within: Within
) -> tuple[dict[str, str], dict[str, Sequence[Known]]]:
    """Return (unknown word → its correction, last word → its completions)."""
    last = len(words.words) - 1
    begun = words.words[last] if words.open_end and last in unknown else ""
    if found := spelling.completions(begun, within.using):
        return {}, {begun: found}
    return spelling.corrections([words.words[at] for at in unknown], within), {}


def _replaced(text: str, fixes: dict[str, str]) -> str:
    """Return the query as typed, with only the corrected words replaced."""

    def fixed(match: re.Match[str]) -> str:
        said = wording.words_of(match[0])
        return fixes.get(said[0], match[0]) if len(said) == 1 else match[0]

    return _TYPED_WORD.sub(fixed, text)
