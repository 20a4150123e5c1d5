"""Sketches: a few bits for each number of a vector, which estimate distances at little cost.

A random orthogonal matrix turns the rows, so that no number weighs more than another. Short rows
are turned in several ways, because levels of a few numbers hold little information. Each number is
replaced by its level, one of a few equally full levels. Levels are written as thermometers (for
three bits: 000, 100, 110, 111). So the bits in which two sketches differ count the levels between
them, which PostgreSQL does in some nanoseconds (Kong, Li and Guo, "Manhattan hashing for
large-scale image retrieval", 2012, the source of this distance; the rotation is that of Gao and
Long, "RaBitQ", 2024). Distances of unit rows order them as cosines do, so sketches choose the rows
to compare, and the vectors themselves decide.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from similarity.types import FloatArray

#: About this many bits a sketch. With more bits fewer rows must be compared exactly, but each takes
#: more bytes to read. For short rows prefer more rotations to finer levels.
BITS, LEVELS = 1536, 3
#: Rows sketched at once: as many as a processor's cache holds.
BLOCK = 512


@dataclass(frozen=True)
class Sketcher:
    """``rotations`` (D, P): P ÷ D orthogonal matrices side by side; ``thresholds`` (L, P)."""

    rotations: FloatArray
    thresholds: FloatArray

    @property
    def bits(self) -> int:
        """Return the length of a sketch."""
        return int(self.thresholds.size)

    def sketches(self, rows: FloatArray) -> npt.NDArray[np.bool_]:
        """Return the sketches (N, L · P) of N unit rows."""
        turned = rows @ self.rotations
        return (turned[:, None, :] > self.thresholds).reshape(len(rows), -1)

    def packed(self, rows: FloatArray) -> npt.NDArray[np.uint8]:
        """Return :meth:`sketches` with eight bits a byte, the last byte filled up with zeros."""
        blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        return np.concatenate(
            [np.packbits(self.sketches(block), axis=1) for block in blocks]
            or [np.empty((0, -(-self.bits // 8)), dtype=np.uint8)]
        )

    def literals(self, rows: FloatArray) -> list[str]:
        """Return sketches in PostgreSQL's notation, ``'0110…'``."""
        return written(self.sketches(rows).astype(np.uint8))


def written(bits: npt.NDArray[np.uint8]) -> list[str]:
    """Return (N, bits) of 0 and 1 in PostgreSQL's notation."""
    return [row.tobytes().decode("ascii") for row in bits + np.uint8(ord("0"))]


def fit(sample: FloatArray, seed: int = 0) -> Sketcher:
    """Fit a sketcher on unit rows (S, D) drawn evenly from those to sketch, S at least 1."""
    dimension = sample.shape[1]
    dice = np.random.default_rng(seed)
    count = max(1, BITS // (LEVELS * dimension))
    drawn = [dice.standard_normal((dimension, dimension)) for _ in range(count)]
    # Kept and used at half precision, so that every reader makes the same sketches.
    halves = np.hstack([np.linalg.qr(one)[0] for one in drawn]).astype(np.float16)
    rotations = halves.astype(np.float32)
    levels = max(1, round(BITS / rotations.shape[1]))
    shares = np.arange(1, levels + 1) / (levels + 1)
    thresholds = np.quantile(sample @ rotations, shares, axis=0).astype(np.float32)
    return Sketcher(rotations, thresholds)
