"""Asks a worker what only it can compute, and waits for a bounded time.

The message goes to the queue ``SIMILARITY["SEARCH"]["QUEUE"]``, or with a picture to its
``PICTURE_QUEUE``; the answer is awaited in the cache. All of it runs beside the request, which
goes on when its time is up, whether worker, broker or cache is slow, dead or hangs. An answer that
comes late serves who asks next.
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

#: Seconds after its time-out until a worker leaves a question unanswered: late, it may still
#: serve the next who asks; and clocks of machines differ.
LATE_S = 3

#: The answer is looked for after so long, then ever more seldom.
FIRST_LOOK_S = 0.002
LAST_LOOK_S = 0.010

#: After so many questions in a row without an answer none is asked for a while.
SILENCES = 3
PAUSE_S = 5.0

#: The longest a search by picture waits for a worker, and the most processor time that decoding
#: the picture may take.
PICTURE_TIMEOUT_MS = 4000


class Silence(Pause):
    """What this process knows of workers that do not answer.

    Of a worker that says that it is alive an answer is always awaited: it may be busy, and
    what it answers late serves the next. Where none says so, a few questions are tried.
    """

    def __init__(self) -> None:
        super().__init__(PAUSE_S)
        self.in_a_row = 0

    def heard(self) -> None:
        self.in_a_row = 0

    def unheard(self) -> None:
        self.in_a_row += 1
        if self.in_a_row >= SILENCES:
            # One question after the pause tells whether it is over.
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

#: While it lasts the log need not say again that no worker takes pictures.
unserved = Pause(60.0)


class Asked:
    """A question under way."""

    def __init__(self, future: "Future[Answer | None] | None", until: float) -> None:
        self._future = future
        self._until = until  # monotonic seconds

    def wait(self, timeout_s: float | None = None) -> Answer | None:
        """The answer, or None when ``timeout_s``, or the question's own time, is over."""
        if self._future is None:
            return None
        left = self._until - time.monotonic()
        try:
            return self._future.result(max(min(left, timeout_s or left), 0.0))
        except TookTooLong:
            return None
        except Exception:  # a door: a page goes on without what a worker would have said
            logger.exception("A question to the workers failed.")
            return None


def ask_worker(
    kind: str, payload: bytes, timeout_ms: int | None = None, *, version: int = 0
) -> Answer | None:
    """What a worker answers to ``payload``, None where nobody does within ``timeout_ms``.

    ``kind`` is one of those ``similarity.search.queries`` knows: ``text``, ``picture``,
    ``pairs``. Never raises, and never takes longer than ``timeout_ms`` (default
    ``SEARCH["QUERY_TIMEOUT_MS"]``).
    """
    question = Question(kind, secrets.token_urlsafe(16), version, payload)
    return begin(question, timeout_ms).wait()


def begin(
    question: Question, timeout_ms: int | None = None, before: Callable[[], object] | None = None
) -> Asked:
    """Ask without waiting yet; ``before`` is called first, beside the request as well."""
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
    """Whether to ask although no worker of the queue says that it is alive.

    A picture is not: its request would wait for seconds, and hold a thread of the site.
    """
    if question.queue == mailbox.PICTURES:
        if not unserved.lasts():
            unserved.begin()
            logger.warning(
                "No worker of the queue %r says that it is alive: no picture is looked at. Start "
                "one, or add the queue to the worker of queries.",
                conf.get("SEARCH", "PICTURE_QUEUE"),
            )
        return False
    return not silence.lasts()


def _here(question: Question) -> Answer:
    """Computed in this process, as the host wants it; the first loads the encoder."""
    # By its path: this room knows no encoders, and a web machine need not have them.
    compute = conf.load("similarity.search.queries.compute")
    try:
        answer: Answer = compute(question)
    finally:
        connections.close_all()  # of this thread, which no request's end would close
    caching.attempt(partial(mailbox.reply, question, answer))
    return answer


def _look(question: Question) -> Answer | None:
    answer: Answer | None = caching.attempt(partial(mailbox.read, question))
    return answer


def _send(question: Question, until: float) -> bool:
    """Whether an answer may come: the question is sent, or somebody else's is under way."""
    expires_s = max(until - time.monotonic(), 0.0) + LATE_S
    first = caching.attempt(partial(mailbox.first_to_ask, question, int(expires_s) + 1))
    if not first:
        return first is not None
    arguments = caching.attempt(partial(mailbox.post, question))
    return arguments is not None and wakeup.wake(
        mailbox.TASK, args=arguments, queue=conf.get("SEARCH", question.queue), expires=expires_s
    )
