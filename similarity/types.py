"""Types that every room may use."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

#: Is called with a phase, how much of it is done, and the total.
Progress = Callable[[str, int, int], None]

#: Of single and of double precision.
FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]


def no_progress(phase: str, done: int, total: int) -> None:
    """Report to nobody."""
