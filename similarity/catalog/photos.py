"""Reading photos, so that one that cannot be had for the moment is told from one that never can."""

from collections.abc import Callable


class PhotoUnavailable(OSError):
    """The photo cannot be had now and may be had later: a time-out, a server that fails."""


class PhotoReader:
    """``ImageRef.read`` that remembers why the photo could not be had for the moment.

    ``delayed`` is that reason, empty where the photo was read, or is none and will be none.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self.delayed = ""

    def __call__(self, limit: int) -> bytes:
        self.delayed = ""
        try:
            return self._read(limit)
        except PhotoUnavailable as error:
            self.delayed = str(error)
            raise
