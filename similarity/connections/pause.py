"""A service that failed is left alone for a while: one that hangs would hold up whoever asks."""

import time


class Pause:
    """What this process remembers of a failure, for ``length_s`` seconds."""

    def __init__(self, length_s: float) -> None:
        self.length_s = length_s
        self._until = 0.0  # monotonic seconds

    @property
    def left_s(self) -> float:
        """Seconds until the service may be asked again; 0 where it may be now."""
        return max(self._until - time.monotonic(), 0.0)

    def lasts(self) -> bool:
        return self.left_s > 0

    def begin(self) -> None:
        self._until = time.monotonic() + self.length_s

    def end(self) -> None:
        self._until = 0.0
