"""Vectors of typed or photographed queries, without an encoder in the web process.

A query's vector comes from the cache, else from the table of hot queries, else from a worker within
a time limit. If all of them fail, search uses words alone.
"""

import logging
import time
import unicodedata
from collections.abc import Mapping
from functools import partial

from django.db import DatabaseError, InterfaceError, router
from django.db.models import BinaryField, F, Func, OuterRef, Subquery

from similarity import conf
from similarity.connections import background, caching
from similarity.exceptions import ImageRejected
from similarity.models import EncoderVersion
from similarity.models.stored_vectors import FloatArray, array
from similarity.search import ask_worker, query_counts
from similarity.search.mailbox import Answer, Question
from similarity.search.models import HotQueryVector
from similarity.similar.planner_settings import savepoint

logger = logging.getLogger(__name__)

#: Characters of a query that are read.
LONGEST = 200

#: Seconds that a worker's answer (about 1 KB) is cached, so that a robot's queries pile up for an
#: hour at most. Frequent queries have their vector in the table.
KEEP_S = 3600


class PendingVector:
    """A query's vectors, already known or requested, in the spaces of ``version``."""

    def __init__(
        self,
        row: FloatArray | None,
        asked: ask_worker.Asked | None = None,
        version: EncoderVersion | None = None,
    ) -> None:
        self._row = row
        self._asked = asked
        #: The live version with some fields deferred; None before the first version.
        self.version = version
        #: True if a worker was asked and did not answer within the waiting time.
        self.unanswered = False

    def wait(self, timeout_s: float | None = None) -> FloatArray | None:
        """Return the query in the text space: float32 (D,) of length one.

        Returns None for an empty query or without an answer in time.
        """
        return self.wait_parts(timeout_s).get("text")

    def wait_parts(self, timeout_s: float | None = None) -> dict[str, FloatArray]:
        """Return part → the query in its space, as :meth:`wait`; ``image`` if words find
        pictures."""
        row = self._row
        if self._asked is not None:
            answer = self._asked.wait(timeout_s)
            self.unanswered = answer is None
            row = None if answer is None else answer.row
        parts = self.version.query_parts if self.version else {}
        return {} if row is None else _split(row, parts)


def encode_query(text: str, *, timeout_ms: int | None = None) -> FloatArray | None:
    """Return the query in the space of ``ProductVectors.text`` of the live version.

    float32 (D,) of length one; None for an empty query, without a live version, or without an
    answer within ``timeout_ms`` (default ``SEARCH["QUERY_TIMEOUT_MS"]``). Never raises because a
    broker, cache, worker or database is down. Equal texts asked at the same time, by any processes,
    are encoded once.
    """
    return begin(text, timeout_ms=timeout_ms).wait()


def begin(text: str, *, timeout_ms: int | None = None) -> PendingVector:
    """Start :func:`encode_query` and return at once, so that the caller can do other work."""
    started = time.monotonic()
    query = normalised(text)
    if not query:
        return PendingVector(None)
    try:
        version, row = _stored(query)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("No vector of a query: the database does not answer (%s).", error)
        return PendingVector(None)
    if version is None or not version.query_parts:
        return PendingVector(None, version=version)
    count = partial(query_counts.count, query, query_counts.asker())
    if row is not None:
        background.start(count)
        return PendingVector(row, version=version)
    limit_ms = conf.get("SEARCH", "QUERY_TIMEOUT_MS") if timeout_ms is None else timeout_ms
    left_ms = max(limit_ms - int(1000 * (time.monotonic() - started)), 0)
    name = caching.digest(query)  # keyed, so that the cache does not reveal what was searched
    question = Question("text", name, version.pk, query.encode(), KEEP_S)
    asked = ask_worker.begin(question, left_ms, before=count)
    return PendingVector(None, asked, version)


def picture_vector(data: bytes, *, timeout_ms: int | None = None) -> FloatArray | None:
    """Return a photo's vector in the space of ``ProductVectors.image`` of the live version.

    Works as :func:`encode_query`. The photo lies in the cache for some seconds and nowhere else.
    Raises :class:`ImageRejected` if the worker cannot decode it.
    """
    try:
        version = _live()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("No vector of a picture: the database does not answer (%s).", error)
        return None
    if version is None or not data:
        return None
    answer: Answer | None = ask_worker.ask_worker("picture", data, timeout_ms, version=version)
    if answer is None:
        return None
    if answer.refused:
        raise ImageRejected(answer.refused)
    return answer.row


def normalised(text: str) -> str:
    """Return a query as it is compared, cached and encoded: NFKC, lower case, single spaces."""
    sound = str(text)[: 2 * LONGEST].encode("utf-8", "ignore").decode()
    compatible = unicodedata.normalize("NFKC", sound).lower()
    printable = "".join(letter if letter.isprintable() else " " for letter in compatible)
    return " ".join(printable.split())[:LONGEST].rstrip()


def _split(row: FloatArray, parts: Mapping[str, int]) -> dict[str, FloatArray]:
    """Split a row of ``search.queries.text_vectors`` into part → vector, without zero vectors."""
    found, start = {}, 0
    for part, width in parts.items():
        vector = row[start : start + width]
        start += width
        if len(vector) == width and vector.any():
            found[part] = vector
    return found


def _live() -> int | None:
    """Return the live version's key."""
    version = _stored("")[0]
    return version.pk if version else None


def _stored(query: str) -> tuple[EncoderVersion | None, FloatArray | None]:
    """Return (the live version, the vectors of a hot query or None), in a single database query."""
    using = router.db_for_read(EncoderVersion)
    hot = HotQueryVector.objects.filter(version=OuterRef("pk"), query__text=query)
    binary = Func(F("vector"), function="halfvec_send", output_field=BinaryField())
    with savepoint(using):
        found = (
            EncoderVersion.objects.using(using)
            .filter(status=EncoderVersion.Status.LIVE)
            .only("encoders", "dimensions")
            .annotate(hot_vector=Subquery(hot.values(binary=binary)[:1]))
            .first()
        )
    return (found, array(found.hot_vector)) if found else (None, None)
