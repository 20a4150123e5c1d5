"""Synonyms from the admin, normalised like the words of queries and kept in the cache."""

from collections.abc import Mapping

from django.db import router, transaction

from similarity.catalog import wording
from similarity.connections import caching
from similarity.search.models import Synonym

CACHE_KEY = "similarity:synonyms"

#: Words of the longest term that is looked for in a query, as in the model.
TERM_WORDS = 4

Terms = Mapping[str, list[str]]


def synonyms(using: str = "default") -> Terms:
    """Return normalised term → the terms that a query with it also finds.

    A change in the admin takes effect at once if all processes share a cache, else within
    ``CACHE["TIMEOUT_S"]``.
    """
    known = caching.read(CACHE_KEY)
    if known is None:
        known = _read(using)
        caching.write(CACHE_KEY, known)
    return dict(known)


def forget_on_commit() -> None:
    """Let the next query read the table again, once a change of it is committed."""
    alias = router.db_for_write(Synonym)
    transaction.on_commit(lambda: caching.write(CACHE_KEY, None), using=alias)


def _read(using: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for synonym in Synonym.objects.using(using).filter(active=True):
        targets = [_normal(term) for term in synonym.targets]
        for source in [_normal(term) for term in synonym.sources] or targets:
            known = found.setdefault(source, [])
            known += [term for term in targets if term != source and term not in known]
    return {source: terms for source, terms in found.items() if source and any(terms)}


def _normal(term: str) -> str:
    return " ".join(wording.words_of(term))
