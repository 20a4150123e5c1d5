"""Log lines as JSON, one object a line, to be collected and searched.

A host names the formatter in ``LOGGING``::

    "formatters": {"json": {"()": "similarity.connections.logs.JsonFormatter"}}

Each entry of ``extra`` becomes a field. Workers name ``product_keys``, ``version`` and ``stage``,
so that one search finds everything that happened to a product. A line of a Celery task names the
task and its id.
"""

import json
import logging
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

#: Longest text of a field, in characters, and most entries of a list. A batch names all its
#: products, and a line must not grow past the limits of collectors.
MOST_TEXT = 8000
MOST_ENTRIES = 200

#: Fields of every record; the other fields come from ``extra``.
_OWN = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "message",
    "asctime",
    "taskName",
}


class JsonFormatter(logging.Formatter):
    """A formatter of ``{"time": …, "level": …, "logger": …, "message": …}`` and extra fields.

    ``exception`` holds the traceback. ``time`` is ISO 8601 in UTC. Values that JSON lacks are
    written as text. A record that cannot be formatted becomes a line with the reason.
    """

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            "process": record.process,
            **_task(),
        }
        for name, value in vars(record).items():
            if name not in _OWN and name not in fields:
                fields[name] = _plain(value)
        if record.exc_info:
            fields["exception"] = _cut(self.formatException(record.exc_info))
        elif record.exc_text:
            fields["exception"] = _cut(record.exc_text)
        if record.stack_info:
            fields["stack"] = _cut(record.stack_info)
        return json.dumps(fields)  # in ASCII, so that lone surrogates of a text are escaped too


def _message(record: logging.LogRecord) -> str:
    try:
        return _cut(record.getMessage())
    except (TypeError, ValueError) as error:  # placeholders and arguments that do not match
        return _cut(f"{record.msg!r} % {record.args!r} ({error})")


def _task() -> dict[str, str]:
    """Return the Celery task that is running in this thread, if any."""
    from celery import current_task

    request = getattr(current_task, "request", None)
    if request is None or not request.id:
        return {}
    return {"task": str(current_task.name), "task_id": str(request.id)}


def _plain(value: Any) -> Any:
    """Return the value for JSON; product keys that are UUIDs, and other types, as text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        some = list(value.items())[:MOST_ENTRIES]
        return {_text(key): _plain(item) for key, item in some}
    if isinstance(value, list | tuple | set | frozenset):
        plain = [_plain(item) for item in list(value)[:MOST_ENTRIES]]
        more = len(value) - len(plain)
        return [*plain, f"and {more} more"] if more else plain
    return _text(value)


def _text(value: Any) -> str:
    try:
        return _cut(str(value))
    except Exception as error:  # noqa: BLE001 - a door: whatever the host's __str__ raises
        return f"<{type(value).__name__}, which has no text: {type(error).__name__}>"


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}… ({len(text)} characters)"
