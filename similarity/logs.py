"""Errors in the log: each distinct error once a minute, with its traceback."""

import logging
import threading
import time
from typing import Any

#: Seconds during which the same error is counted and not logged again.
QUIET_S = 60.0
#: Distinct errors that are kept; the oldest are forgotten first.
REMEMBERED = 1000

_lock = threading.Lock()
#: error → (end of its quiet time, number of repeats since)
_seen: dict[tuple[Any, ...], tuple[float, int]] = {}


def log_error(
    logger: logging.Logger,
    error: BaseException,
    message: str,
    *args: Any,
    level: int = logging.ERROR,
    **extra: Any,
) -> None:
    """Log ``error`` with its traceback, unless the same error was logged within :data:`QUIET_S`.

    Errors are the same if message, class and the line that raised are equal. The next log entry
    gives the number of repeats. ``args`` belong to the logged occurrence, for example the key of
    its product.
    """
    missed = _missed((logger.name, message, type(error), _place(error)))
    if missed is None:
        return
    if missed:
        message, args = f"{message} (and %d more times since the last report)", (*args, missed)
    logger.log(level, message, *args, exc_info=error, extra=extra)


def forget() -> None:
    """Log every error again, as a new process would."""
    with _lock:
        _seen.clear()


def _missed(error: tuple[Any, ...]) -> int | None:
    """Return how often the error was left out since its last entry; None if it is still quiet."""
    now = time.monotonic()
    with _lock:
        until, missed = _seen.pop(error, (0.0, 0))
        if now < until:
            _seen[error] = (until, missed + 1)
            return None
        _seen[error] = (now + QUIET_S, 0)
        while len(_seen) > REMEMBERED:
            del _seen[next(iter(_seen))]
        return missed


def _place(error: BaseException) -> tuple[str, int] | None:
    """Return the file and line that raised; None without a traceback."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return None if trace is None else (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
