"""Questions and answers between a waiting page and the worker it asks.

A question is a Celery message. A payload too large for a message lies in the cache for some
seconds, as the answer does. Any cache shared by web processes and workers works. Functions here
raise the errors of the cache's client, so callers use ``connections.caching``.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from django.core.cache import caches
from django.db import DEFAULT_DB_ALIAS, connections

from similarity import conf
from similarity.connections import caching
from similarity.types import FloatArray

#: The task that answers questions.
TASK = "similarity.answer_question"

#: How often a question is returned to its queue for a worker of another project.
MOST_ROUNDS = 5

#: The keys of ``SIMILARITY["SEARCH"]`` that name the queues.
QUERIES, PICTURES = "QUEUE", "PICTURE_QUEUE"

#: A longer payload passes through the cache, in pieces that Memcached accepts.
MESSAGE_BYTES = 2048
PIECE_BYTES = 512 * 1024
#: Seconds that a payload lies in the cache, and an answer that only its asker needs.
LETTER_S = 15

#: Seconds that a worker counts as alive after its last heartbeat.
ALIVE_S = 20
NOTE_EVERY_S = 5.0

_noted_at: dict[str, float] = {}  # setting of a queue → monotonic seconds; of this process


@dataclass(frozen=True)
class Question:
    """``kind`` names the function that answers; ``version`` is the encoder version, or 0 without a
    version.

    Questions of equal ``name`` have equal answers, which are cached for ``keep_s`` seconds.
    """

    kind: str
    name: str
    version: int
    payload: bytes
    keep_s: int = LETTER_S

    @property
    def key(self) -> str:
        return f"similarity:answer:{self.kind}:{self.version}:{self.name}"

    @property
    def queue(self) -> str:
        """Return the key of ``SIMILARITY["SEARCH"]`` that names the queue.

        Pictures have their own queue because they take long.
        """
        return PICTURES if self.kind == "picture" else QUERIES


class Answer(NamedTuple):
    """``row``: float32 (N,), or None without a result; ``refused`` holds the reason."""

    row: FloatArray | None
    refused: str = ""


def post(question: Question) -> list[Any]:
    """Store a payload that is too large for a message; return the task's arguments."""
    payload = question.payload
    pieces = 0
    text = ""
    if len(payload) <= MESSAGE_BYTES:
        text = payload.decode("latin-1")
    else:
        parts = [payload[at : at + PIECE_BYTES] for at in range(0, len(payload), PIECE_BYTES)]
        pieces = len(parts)
        caching.store(dict(zip(_pieces(question.key, pieces), parts, strict=True)), LETTER_S)
    told = [question.kind, question.name, question.version, question.keep_s, text, pieces]
    return [*told, project(), 0]


def project() -> str:
    """Return a name for this project, equal in its web processes and workers."""
    database, cache = connections[DEFAULT_DB_ALIAS], caches[conf.get("CACHE", "ALIAS")]
    named = str(database.settings_dict["NAME"]), getattr(cache, "key_prefix", "")
    return caching.digest("project", *named)[:16]


def of_another_project(arguments: Sequence[Any]) -> list[Any] | None:
    """Return the arguments to put a question back on its queue; None if this project answers it.

    If the workers of two projects share a queue, each receives questions of the other, and would
    store the answer in the wrong cache. After MOST_ROUNDS rounds the question is answered anyway,
    because the project may only look like another.
    """
    if len(arguments) < 8 or arguments[6] == project() or arguments[7] >= MOST_ROUNDS:
        return None
    return [*arguments[:7], arguments[7] + 1]


def received(
    kind: str, name: str, version: int, keep_s: int, text: str, pieces: int, *_told: Any
) -> Question | None:
    """Return the question in a task's arguments; None if its payload has left the cache."""
    question = Question(kind, name, version, text.encode("latin-1"), keep_s)
    if not pieces:
        return question
    names = _pieces(question.key, pieces)
    found = caching.load_many(names)
    if len(found) < pieces:
        return None
    payload = b"".join(bytes(found[name]) for name in names)
    return Question(kind, name, version, payload, keep_s)


def reply(question: Question, answer: Answer) -> None:
    """Store the answer for the waiting page, and for later pages with the same question."""
    row = None if answer.row is None else np.asarray(answer.row, dtype="<f4").tobytes()
    caching.store({question.key: {"row": row, "refused": answer.refused}}, question.keep_s)
    if len(question.payload) > MESSAGE_BYTES:
        pieces = -(-len(question.payload) // PIECE_BYTES)
        _cache().delete_many(_pieces(question.key, pieces))


def read(question: Question) -> Answer | None:
    """Return the answer if it is already there."""
    return _answer(caching.load(question.key))


def look(question: Question) -> tuple[Answer | None, bool]:
    """Return (the answer if it is already there, True if a worker sent a heartbeat lately)."""
    alive = _alive_key(question.queue)
    found = caching.load_many([question.key, alive])
    return _answer(found.get(question.key)), alive in found


def note_alive(queue: str) -> None:
    """Store the heartbeat of a worker on that setting's queue; at most every few seconds."""
    now = time.monotonic()
    if now - _noted_at.get(queue, -NOTE_EVERY_S) >= NOTE_EVERY_S:
        _noted_at[queue] = now
        caching.store({_alive_key(queue): 1}, ALIVE_S)


def first_to_ask(question: Question, for_s: int) -> bool:
    """Return True if this question was not asked in the last ``for_s`` seconds: the caller asks."""
    return bool(_cache().add(f"{question.key}:asked", 1, for_s))


def _answer(found: Any) -> Answer | None:
    if found is None:
        return None
    row = found["row"]
    return Answer(None if row is None else np.frombuffer(row, dtype="<f4"), found["refused"])


def _alive_key(queue: str) -> str:
    return f"similarity:answering:{queue}"


def _pieces(key: str, count: int) -> Sequence[str]:
    return [f"{key}:{at}" for at in range(count)]


def _cache() -> Any:
    return caches[conf.get("CACHE", "ALIAS")]
