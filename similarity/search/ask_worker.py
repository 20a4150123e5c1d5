"""Asks a worker for a result that only a worker can compute, and waits for a limited time.

The message goes to the queue ``SIMILARITY["SEARCH"]["QUEUE"]``, or with a picture to its
``PICTURE_QUEUE``; the answer arrives in the cache. All of it runs in a thread beside the request.
The request continues when its time is up, even if worker, broker or cache is slow, dead or hangs. A
late answer is cached for the next request.
"""

import logging
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from functools import partial

from django.db import connections

from similarity import conf
from similarity.connections import background, caching, wakeup
from similarity.connections.pause import Pause
from similarity.search import mailbox
from similarity.search.mailbox import Answer, Question

logger = logging.getLogger(__name__)

#: Seconds after its time-out until a worker ignores a question: a late answer may still serve the
#: next request, and the clocks of machines differ.
LATE_S = 3

#: Seconds until the first look for the answer; later looks are further apart.
FIRST_LOOK_S = 0.002
LAST_LOOK_S = 0.010

#: After this many unanswered questions in a row, no question is sent for PAUSE_S.
SILENCES = 3
PAUSE_S = 5.0

#: The longest wait of a search by picture for a worker, and the most processor time for decoding
#: the picture.
PICTURE_TIMEOUT_MS = 4000


class Silence(Pause):
    """How many questions in a row got no answer, as this process has seen it.

    If a worker has sent a heartbeat, always wait for it: it may be busy, and a late answer is
    cached for the next request. Without a heartbeat, try a few questions.
    """

    def __init__(self) -> None:
        super().__init__(PAUSE_S)
        self.in_a_row = 0

    def heard(self) -> None:
        self.in_a_row = 0

    def unheard(self) -> None:
        self.in_a_row += 1
        if self.in_a_row >= SILENCES:
            # One question after the pause shows whether it is over.
            self.in_a_row = SILENCES - 1
            self.begin()
            logger.warning(
                "%d questions on the queue %r had no answer in time; none is asked for %.0f s. "
                "Is a worker of that queue running?",
                SILENCES,
                conf.get("SEARCH", "QUEUE"),
                PAUSE_S,
            )


silence = Silence()

#: While this lasts, the log does not repeat that no worker takes pictures.
unserved = Pause(60.0)


class Asked:
    """A question under way."""

    def __init__(self, future: "Future[Answer | None] | None", until: float) -> None:
        self._future = future
        self._until = until  # monotonic seconds

    def wait(self, timeout_s: float | None = None) -> Answer | None:
        """Return the answer, or None after ``timeout_s`` or at the end of the question's own
        time."""
        if self._future is None:
            return None
        left = self._until - time.monotonic()
        try:
            return self._future.result(max(min(left, timeout_s or left), 0.0))
        except TookTooLong:
            return None
        except Exception:  # a door: the page continues without the worker's answer
            logger.exception("A question to the workers failed.")
            return None


def ask_worker(
    kind: str, payload: bytes, timeout_ms: int | None = None, *, version: int = 0
) -> Answer | None:
    """Return a worker's answer to ``payload``; None without an answer within ``timeout_ms``.

    ``kind`` is a kind known to ``similarity.search.queries``: ``text``, ``picture``, ``pairs``.
    Never raises, and never takes longer than ``timeout_ms`` (default
    ``SEARCH["QUERY_TIMEOUT_MS"]``).
    """
    question = Question(kind, secrets.token_urlsafe(16), version, payload)
    return begin(question, timeout_ms).wait()


def begin(
    question: Question, timeout_ms: int | None = None, before: Callable[[], object] | None = None
) -> Asked:
    """Ask without waiting yet; call ``before`` first, also beside the request."""
    timeout_s = (
        conf.get("SEARCH", "QUERY_TIMEOUT_MS") if timeout_ms is None else timeout_ms
    ) / 1000
    until = time.monotonic() + timeout_s
    return Asked(background.start(partial(_ask, question, until, before)), until)


def _ask(question: Question, until: float, before: Callable[[], object] | None) -> Answer | None:
    if before:
        before()
    known, alive = caching.attempt(partial(mailbox.look, question), otherwise=(None, False))
    if known is not None:
        return known
    if conf.get("SEARCH", "ENCODE_IN_PROCESS"):
        return _here(question)
    if not (alive or _may_try(question)) or not _send(question, until):
        return None
    wait_s = FIRST_LOOK_S
    while time.monotonic() + wait_s < until:
        time.sleep(wait_s)
        answer = _look(question)
        if answer is not None:
            silence.heard()
            return answer
        wait_s = min(1.3 * wait_s, LAST_LOOK_S)
    if not alive:
        silence.unheard()
    return None


def _may_try(question: Question) -> bool:
    """Return True to ask although no worker of the queue has sent a heartbeat.

    Pictures return False, because the request would wait for seconds and hold a thread of the site.
    """
    if question.queue == mailbox.PICTURES:
        if not unserved.lasts():
            unserved.begin()
            logger.warning(
                "No worker of the queue %r has sent a heartbeat: search by picture is off. Start "
                "one, or add the queue to the worker of queries.",
                conf.get("SEARCH", "PICTURE_QUEUE"),
            )
        return False
    return not silence.lasts()


def _here(question: Question) -> Answer:
    """Compute in this process, because the host wants it; the first call loads the encoder."""
    # Loaded by path: this module imports no encoders, and a web machine need not have them.
    compute = conf.load("similarity.search.queries.compute")
    try:
        answer: Answer = compute(question)
    finally:
        connections.close_all()  # of this thread, because no request ends in it
    caching.attempt(partial(mailbox.reply, question, answer))
    return answer


def _look(question: Question) -> Answer | None:
    answer: Answer | None = caching.attempt(partial(mailbox.read, question))
    return answer


def _send(question: Question, until: float) -> bool:
    """Return True if an answer may come: the question is sent, or an equal question is pending."""
    expires_s = max(until - time.monotonic(), 0.0) + LATE_S
    first = caching.attempt(partial(mailbox.first_to_ask, question, int(expires_s) + 1))
    if not first:
        return first is not None
    arguments = caching.attempt(partial(mailbox.post, question))
    return arguments is not None and wakeup.wake(
        mailbox.TASK, args=arguments, queue=conf.get("SEARCH", question.queue), expires=expires_s
    )
