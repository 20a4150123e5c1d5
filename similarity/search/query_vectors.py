"""Vectors of what a shopper types or photographs, without an encoder in the web process.

A query's vector comes from the cache, else from the table of hot queries, else from a worker
within a time limit, else there is none and search goes by words alone.
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

#: Seconds a worker's answer is kept: some 1 KB, so that a robot's queries pile up for an hour.
#: What is asked often has its vector in the table.
KEEP_S = 3600


class PendingVector:
    """A query's vectors, known already or asked for, in the spaces of ``version``."""

    def __init__(
        self,
        row: FloatArray | None,
        asked: ask_worker.Asked | None = None,
        version: EncoderVersion | None = None,
    ) -> None:
        self._row = row
        self._asked = asked
        #: The live one, of which not all fields are loaded; None before the first.
        self.version = version
        #: Whether a worker was asked and did not answer in the time it was waited for.
        self.unanswered = False

    def wait(self, timeout_s: float | None = None) -> FloatArray | None:
        """The query among texts: float32 (D,) of length one, or None: nothing to encode, or no
        answer in time."""
        return self.wait_parts(timeout_s).get("text")

    def wait_parts(self, timeout_s: float | None = None) -> dict[str, FloatArray]:
        """Part → the query in its space, as :meth:`wait`; ``image`` where words find pictures."""
        row = self._row
        if self._asked is not None:
            answer = self._asked.wait(timeout_s)
            self.unanswered = answer is None
            row = None if answer is None else answer.row
        parts = self.version.query_parts if self.version else {}
        return {} if row is None else _split(row, parts)


def encode_query(text: str, *, timeout_ms: int | None = None) -> FloatArray | None:
    """The query in the space of ``ProductVectors.text`` of the live version.

    float32 (D,) of length one; None where there is nothing to encode, no live version, or
    nobody who answers within ``timeout_ms`` (default ``SEARCH["QUERY_TIMEOUT_MS"]``). Never raises
    for a broker, cache, worker or database that is down. Equal texts asked at once, by any
    processes, are encoded once.
    """
    return begin(text, timeout_ms=timeout_ms).wait()


def begin(text: str, *, timeout_ms: int | None = None) -> PendingVector:
    """As :func:`encode_query`, for a caller with something else to do meanwhile."""
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
    name = caching.digest(query)  # keyed: what was searched cannot be read from the cache
    question = Question("text", name, version.pk, query.encode(), KEEP_S)
    asked = ask_worker.begin(question, left_ms, before=count)
    return PendingVector(None, asked, version)


def picture_vector(data: bytes, *, timeout_ms: int | None = None) -> FloatArray | None:
    """A photo's bytes in the space of ``ProductVectors.image`` of the live version.

    As :func:`encode_query`; the photo lies in the cache for some seconds and nowhere else.
    Raises :class:`ImageRejected` where a worker found that it cannot be decoded.
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
    """A query as it is compared, cached and encoded: NFKC, small letters, single spaces."""
    sound = str(text)[: 2 * LONGEST].encode("utf-8", "ignore").decode()
    compatible = unicodedata.normalize("NFKC", sound).lower()
    printable = "".join(letter if letter.isprintable() else " " for letter in compatible)
    return " ".join(printable.split())[:LONGEST].rstrip()


def _split(row: FloatArray, parts: Mapping[str, int]) -> dict[str, FloatArray]:
    """A row of ``search.queries.text_vectors`` as part → vector; without what is all zero."""
    found, start = {}, 0
    for part, width in parts.items():
        vector = row[start : start + width]
        start += width
        if len(vector) == width and vector.any():
            found[part] = vector
    return found


def _live() -> int | None:
    """The live version's key."""
    version = _stored("")[0]
    return version.pk if version else None


def _stored(query: str) -> tuple[EncoderVersion | None, FloatArray | None]:
    """(the live version, the query's vectors where it is a hot one); one query."""
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
