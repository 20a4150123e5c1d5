"""Messages sent beside the request, so that no save waits for a broker, even if it hangs.

Requests for the same message are joined while it waits, so that a thousand commits a second cost
some ten messages. No request is lost: a message leaves the list before it is sent, and later
requests are sent after it.
"""

import logging
import threading
import time
from collections.abc import Callable

from similarity.connections.pause import Pause

logger = logging.getLogger(__name__)


class Sender:
    """A sender with one thread, made with the first message; it lets the process end.

    ``send`` returns True if the message was taken. A refused message is tried again after
    ``pause``. There are ``every_s`` seconds between two rounds of messages, and no wait before the
    first.
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
        """Request ``message`` and return at once."""
        with self._changed:
            self._asked[message] = None
            if not self._started:
                threading.Thread(target=self._run, name="similarity-sender", daemon=True).start()
                self._started = True
            self._changed.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all requested messages are sent; return True if they are.

        Gives up at once if the broker has just failed.
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
        except Exception:  # a door: the thread must live, and the waiting work is in the database
            logger.exception("The message %s is not sent.", message)
            return True
