"""Counts queries, so that those many shoppers ask can be prepared; who asks is not known here.

Counted is in the cache, under a keyed hash that is forgotten after a week: a query is written
down only once it was asked in ``QUERY_MIN_ASKED`` different spells of ten minutes. One
shopper who searches the same again and again counts once a spell.
"""

import re
import time
from typing import Any

from django.core.cache import caches
from django.utils.crypto import salted_hmac

from similarity import conf
from similarity.connections import caching, wakeup
from similarity.models.queries import LONGEST_KEPT

#: The task that writes queries down.
TASK = "similarity.keep_query"

SPELL_S = 600
FORGOTTEN_S = 7 * 24 * 3600

#: An address, or digits enough for a telephone or an order: it may tell of one person.
PERSONAL = re.compile(r"@|(\d[\s./()-]*){7,}")


def count(query: str) -> None:
    """Count a normalised query; blocks as long as the cache does."""
    if len(query) > LONGEST_KEPT or PERSONAL.search(query):
        return
    asked = caching.attempt(lambda: _counted(query))
    least = conf.get("QUERY_MIN_ASKED")
    if asked and asked % least == 0:
        wakeup.wake(TASK, args=[query, least], expires=SPELL_S)


def _counted(query: str) -> int:
    """In how many spells it was asked; 0 where it has been counted in this one."""
    cache: Any = caches[conf.get("CACHE")]
    name = salted_hmac("similarity.asked_often", query, algorithm="sha256").hexdigest()
    if not cache.add(f"similarity:spell:{int(time.time() // SPELL_S)}:{name}", 1, SPELL_S):
        return 0
    key = f"similarity:asked:{name}"
    cache.add(key, 0, FORGOTTEN_S)
    try:
        return int(cache.incr(key))
    except ValueError:  # it was forgotten between the two
        return 0
