"""Messages sent beside the request: no save waits for a broker, up, down or hanging.

What is asked for while a message of its kind waits is one message with it, so that a thousand
commits a second cost some ten messages. None is lost by that: a message is taken out of the
list before it is sent, and what is asked for from then on is sent after it.
"""

import logging
import threading
import time
from collections.abc import Callable

from similarity.connections.pause import Pause

logger = logging.getLogger(__name__)


class Sender:
    """One thread, made with the first message; it does not keep the process from ending.

    ``send`` says whether the message was taken; one that was not is tried again after
    ``pause``. Between two rounds of messages lie ``every_s`` seconds, before the first none.
    """

    def __init__(self, send: Callable[[str], bool], pause: Pause, every_s: float) -> None:
        self._send = send
        self._pause = pause
        self._every_s = every_s
        self._changed = threading.Condition()
        self._asked: dict[str, None] = {}
        self._sending = False
        self._started = False

    def ask(self, message: str) -> None:
        """Have ``message`` sent; returns at once."""
        with self._changed:
            self._asked[message] = None
            if not self._started:
                threading.Thread(target=self._run, name="similarity-sender", daemon=True).start()
                self._started = True
            self._changed.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything asked for is sent; whether it is.

        Gives up at once where the broker has failed just before.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: not self._waiting or (self._pause.lasts() and not self._sending), timeout_s
            )
            return not self._waiting

    @property
    def _waiting(self) -> bool:
        return bool(self._asked) or self._sending

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._asked)
                messages = list(self._asked)
                self._asked.clear()
                self._sending = True
            refused = [message for message in messages if not self._sent(message)]
            with self._changed:
                self._asked.update(dict.fromkeys(refused))
                self._sending = False
                self._changed.notify_all()
            time.sleep(max(self._every_s, self._pause.left_s))

    def _sent(self, message: str) -> bool:
        try:
            return self._send(message)
        except Exception:  # a door: the thread must live, and what waits is in the database
            logger.exception("The message %s is not sent.", message)
            return True
