"""Photo reading that distinguishes an unavailable photo from an absent photo.

Only a definite "not found" means that a product has no photo. Every other failure is trouble of the
storage, and the stored vectors stay: an expired key, throttling, a time-out, a full disk.
"""

import errno
from collections.abc import Callable, Iterator
from typing import Any

from django.core.exceptions import SuspiciousOperation

#: Not found, gone: the statuses of a server without such a photo.
_ABSENT_STATUS = (404, 410)
#: Codes of object stores that answer "not found" without a status.
_ABSENT_CODES = ("NoSuchKey", "NotFound", "404")
#: No file can have such a name, or the name is not a file's.
_ABSENT_ERRNO = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL)


class PhotoAbsent(OSError):
    """The photo does not exist, and a later attempt would fail too."""


class PhotoUnavailable(OSError):
    """The photo is unavailable now and may be available later: a time-out, a server failure."""


def is_absent(error: BaseException) -> bool:
    """Return True if a storage error means for certain that the photo does not exist.

    Understands Python's own errors, a status of 404 or 410 in an error of requests, httpx, Google's
    and Azure's clients, and botocore's code for a missing key. If a storage raised an error from
    another, the cause counts too.
    """
    return any(_says_absent(each) for each in _chain(error))


class PhotoReader:
    """A wrapper of ``ImageRef.read`` that keeps the reason of a temporary failure.

    Raises :class:`PhotoAbsent` or :class:`PhotoUnavailable` for any error of ``read``. ``delayed``
    is the reason of the latter, and empty after any other attempt.
    """

    def __init__(self, read: Callable[[int], bytes], name: str = "") -> None:
        self._read = read
        self._name = name
        self.delayed = ""

    def __call__(self, limit: int) -> bytes:
        self.delayed = ""
        try:
            return self._read(limit)
        except PhotoAbsent:
            raise
        except PhotoUnavailable as error:
            self.delayed = str(error)
            raise
        except Exception as error:
            if is_absent(error):
                raise PhotoAbsent(f"{self._name!r} does not exist: {error}") from error
            self.delayed = f"{self._name!r} cannot be read: {type(error).__name__}: {error}"
            raise PhotoUnavailable(self.delayed) from error


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__


def _says_absent(error: BaseException) -> bool:
    if isinstance(error, PhotoUnavailable):
        return False
    if isinstance(error, PhotoAbsent | SuspiciousOperation | UnicodeEncodeError):
        return True
    if isinstance(error, OSError) and error.errno in _ABSENT_ERRNO:
        return True
    if type(error) is FileNotFoundError:  # a storage raised it without a number
        return True
    return _status(error) in _ABSENT_STATUS or _code(error) in _ABSENT_CODES


def _status(error: BaseException) -> Any:
    """Return the HTTP status of an error, from any attribute that packages use for it."""
    response = getattr(error, "response", None)
    for holder in (response, error):
        for name in ("status_code", "status", "code"):
            value = getattr(holder, name, None)
            if isinstance(value, int):
                return value
    if isinstance(response, dict):
        return _within(response, "ResponseMetadata", "HTTPStatusCode")
    return None


def _code(error: BaseException) -> Any:
    response = getattr(error, "response", None)
    return _within(response, "Error", "Code") if isinstance(response, dict) else None


def _within(answer: dict[str, Any], first: str, second: str) -> Any:
    inner = answer.get(first)
    return inner.get(second) if isinstance(inner, dict) else None
