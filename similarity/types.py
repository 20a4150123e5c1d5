"""Types that every room may use."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

#: A function that is called with a phase, its finished part, and the total.
Progress = Callable[[str, int, int], None]

#: Arrays of single and of double precision.
FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]


def no_progress(phase: str, done: int, total: int) -> None:
    """Discard the report."""
