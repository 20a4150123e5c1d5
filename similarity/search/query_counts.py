"""Counts queries, so that frequent queries can be prepared.

A query is stored only after ``MIN_ASKED`` clients asked it within a week. The counts are in the
cache, under hashes with a new key each week, so the cache reveals neither queries nor clients. A
client counts once for each query. A query outside :func:`asked_by` is not counted.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.cache import caches
from django.http import HttpRequest

from similarity import conf
from similarity.connections import caching, wakeup
from similarity.connections.clients import client_of
from similarity.search.models.queries import LONGEST_KEPT

#: The task that stores queries.
TASK = "similarity.keep_query"

WEEK_S = 7 * 24 * 3600
#: The longest time that the message to store a query waits for a worker.
EXPIRES_S = 600

#: A query is stored after this many clients asked it within a week.
MIN_ASKED = 5

#: A longer query may be personal.
MOST_WORDS = 8

#: Signs of personal data: an e-mail or postal address, or numbers long enough for a telephone, an
#: order or a bank account.
PERSONAL = re.compile(
    r"@|(\d[\s./()-]*){7,}"
    r"|#\s*\d{3,}|\b(order|invoice|customer|account|tracking|bestellung|rechnung|commande)\W*\d{3,}"
    r"|\b[a-z]{2}\d{2}\s?([a-z0-9]{4}\s?){2,}"
    r"|\b(my name is|c/o)\b"
    r"|\b(street|avenue|boulevard|lane|postcode|rue|calle|ulica|rua)\b.*\d"
    r"|\d.*\b(street|avenue|boulevard|lane|postcode|rue|calle|rua)\b"
    r"|(straße|strasse|weg|platz|gasse|allee)\b\W*\d",
    re.IGNORECASE,
)

_asker: ContextVar[str] = ContextVar("similarity_asker", default="")


@contextmanager
def asked_by(request: HttpRequest) -> Iterator[None]:
    """Count searches within this block for the client of ``request``."""
    token = _asker.set(client_of(request))
    try:
        yield
    finally:
        _asker.reset(token)


def asker() -> str:
    """Return the client of the current search; empty if unknown."""
    return _asker.get()


def count(query: str, client: str = "") -> None:
    """Count a normalised query of ``client``; blocks as long as the cache does."""
    if not client or len(query) > LONGEST_KEPT or _is_personal(query):
        return
    asked = caching.attempt(lambda: _counted(query, client))
    least = MIN_ASKED
    if asked and asked % least == 0:
        wakeup.wake(TASK, args=[query, least], expires=EXPIRES_S)


def _is_personal(query: str) -> bool:
    return len(query.split()) > MOST_WORDS or PERSONAL.search(query) is not None


def _counted(query: str, client: str) -> int:
    """Return how many clients asked it this week; 0 if this client was counted before."""
    cache: Any = caches[conf.get("CACHE", "ALIAS")]
    week = int(time.time() // WEEK_S)
    if not cache.add(caching.key("asker", week, query, client), 1, WEEK_S):
        return 0
    key = caching.key("asked", week, query)
    cache.add(key, 0, WEEK_S)
    try:
        return int(cache.incr(key))
    except ValueError:  # the cache dropped the key between the two calls
        return 0
