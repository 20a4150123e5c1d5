"""What passes between a page that waits and the worker it asks: question and answer.

A question is a Celery message; what is too large for one lies in the cache for some seconds,
and so does the answer. Any cache that web processes and workers share will do. Everything
here raises what the cache's client raises; callers go by ``connections.caching``.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.core.cache import caches
from django.db import DEFAULT_DB_ALIAS, connections

from similarity import conf
from similarity.connections import caching

FloatArray = npt.NDArray[np.float32]

#: The task a worker answers by.
TASK = "similarity.answer_question"

#: How often a question is handed back to workers of another project.
MOST_ROUNDS = 5

#: The keys of ``SIMILARITY["SEARCH"]`` that name the queues.
QUERIES, PICTURES = "QUEUE", "PICTURE_QUEUE"

#: A payload over this length goes by the cache, in pieces that Memcached takes.
MESSAGE_BYTES = 2048
PIECE_BYTES = 512 * 1024
#: Seconds a payload lies in the cache, and an answer that nobody else will ask for.
LETTER_S = 15

#: For how long a worker that answers questions counts as alive after it said so.
ALIVE_S = 20
NOTE_EVERY_S = 5.0

_noted_at: dict[str, float] = {}  # setting of a queue → monotonic seconds; of this process


@dataclass(frozen=True)
class Question:
    """``kind`` names who answers; ``version`` the encoder version, 0 where none matters.

    Questions of equal ``name`` have equal answers, which are kept for ``keep_s`` seconds.
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
        """The key of ``SIMILARITY["SEARCH"]`` that names the queue: pictures, which take long,
        have one of their own."""
        return PICTURES if self.kind == "picture" else QUERIES


class Answer(NamedTuple):
    """``row``: float32 (N,), None where there is nothing to tell; ``refused`` says why."""

    row: FloatArray | None
    refused: str = ""


def post(question: Question) -> list[Any]:
    """Leave a payload that is too large for a message; returns the task's arguments."""
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
    """A name for this project, equal in its web processes and workers."""
    database, cache = connections[DEFAULT_DB_ALIAS], caches[conf.get("CACHE", "ALIAS")]
    named = str(database.settings_dict["NAME"]), getattr(cache, "key_prefix", "")
    return caching.digest("project", *named)[:16]


def of_another_project(arguments: Sequence[Any]) -> list[Any] | None:
    """The arguments to hand a question back with; None where this project is to answer it.

    Two projects whose workers take from one queue get each other's questions, and the answer of
    the wrong one lies where nobody looks. After some rounds it is answered all the same: the
    project may only seem to be another one.
    """
    if len(arguments) < 8 or arguments[6] == project() or arguments[7] >= MOST_ROUNDS:
        return None
    return [*arguments[:7], arguments[7] + 1]


def received(
    kind: str, name: str, version: int, keep_s: int, text: str, pieces: int, *_told: Any
) -> Question | None:
    """The question of a task's arguments; None where its payload has gone from the cache."""
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
    """Leave the answer for whoever waits, and for those who ask the same later."""
    row = None if answer.row is None else np.asarray(answer.row, dtype="<f4").tobytes()
    caching.store({question.key: {"row": row, "refused": answer.refused}}, question.keep_s)
    if len(question.payload) > MESSAGE_BYTES:
        pieces = -(-len(question.payload) // PIECE_BYTES)
        _cache().delete_many(_pieces(question.key, pieces))


def read(question: Question) -> Answer | None:
    """The answer, where there is one already."""
    return _answer(caching.load(question.key))


def look(question: Question) -> tuple[Answer | None, bool]:
    """(the answer, where there is one already; whether a worker said lately that it is alive)."""
    alive = _alive_key(question.queue)
    found = caching.load_many([question.key, alive])
    return _answer(found.get(question.key)), alive in found


def note_alive(queue: str) -> None:
    """Note that a worker takes from the queue of that setting; every few seconds at most."""
    now = time.monotonic()
    if now - _noted_at.get(queue, -NOTE_EVERY_S) >= NOTE_EVERY_S:
        _noted_at[queue] = now
        caching.store({_alive_key(queue): 1}, ALIVE_S)


def first_to_ask(question: Question, for_s: int) -> bool:
    """Whether nobody has asked this in the last ``for_s`` seconds: then the caller does."""
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
