"""A pause after a service's failure, because a hanging service would delay its callers."""

import time


class Pause:
    """A memory of a failure in this process that lasts ``length_s`` seconds."""

    def __init__(self, length_s: float) -> None:
        self.length_s = length_s
        self._until = 0.0  # monotonic seconds

    @property
    def left_s(self) -> float:
        """Return the seconds until the service may be called again; 0 if it may be now."""
        return max(self._until - time.monotonic(), 0.0)

    def lasts(self) -> bool:
        return self.left_s > 0

    def begin(self) -> None:
        self._until = time.monotonic() + self.length_s

    def end(self) -> None:
        self._until = 0.0
