"""Sketches: a few bits for each number of a vector, which tell how near two lie at little cost.

Rows are turned by an orthogonal matrix drawn at random, so that no number weighs more than
another (short ones in several ways, for levels tell little of a few numbers), and each number
is replaced by the level it lies at, one of a few equally full ones.
Levels are written as thermometers (of three bits: 000, 100, 110, 111): the bits in which two
sketches differ then count the levels between them, which PostgreSQL does in some nanoseconds
(Kong, Li and Guo, "Manhattan hashing for large-scale image retrieval", 2012, whose distance
this is; the rotation is that of Gao and Long, "RaBitQ", 2024). Distances of unit rows order
them as cosines do, so sketches choose whom to look at, and the vectors themselves decide.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

#: A sketch has about so many: the more, the fewer rows must be compared exactly, and the more
#: bytes are read of each. Of short rows rather more rotations than finer levels.
BITS, LEVELS = 1536, 3
#: Rows sketched at once: as many as a processor's cache holds.
BLOCK = 512


@dataclass(frozen=True)
class Sketcher:
    """``rotations`` (D, P): P ÷ D orthogonal ones side by side; ``thresholds`` (L, P)."""

    rotations: Floats
    thresholds: Floats

    @property
    def bits(self) -> int:
        """The length of a sketch."""
        return int(self.thresholds.size)

    def sketches(self, rows: Floats) -> npt.NDArray[np.bool_]:
        """(N, L · P) of N unit rows."""
        turned = rows @ self.rotations
        return (turned[:, None, :] > self.thresholds).reshape(len(rows), -1)

    def packed(self, rows: Floats) -> npt.NDArray[np.uint8]:
        """As :meth:`sketches`, eight bits a byte, the last one filled up with zeros."""
        blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        return np.concatenate(
            [np.packbits(self.sketches(block), axis=1) for block in blocks]
            or [np.empty((0, -(-self.bits // 8)), dtype=np.uint8)]
        )

    def literals(self, rows: Floats) -> list[str]:
        """As PostgreSQL writes them, ``'0110…'``."""
        return written(self.sketches(rows).astype(np.uint8))


def written(bits: npt.NDArray[np.uint8]) -> list[str]:
    """(N, bits) of 0 and 1 as PostgreSQL writes them."""
    return [row.tobytes().decode("ascii") for row in bits + np.uint8(ord("0"))]


def fit(sample: Floats, seed: int = 0) -> Sketcher:
    """Of unit rows (S, D) drawn evenly from those to sketch, S at least 1."""
    dimension = sample.shape[1]
    dice = np.random.default_rng(seed)
    count = max(1, BITS // (LEVELS * dimension))
    drawn = [dice.standard_normal((dimension, dimension)) for _ in range(count)]
    # Kept at half precision, and so used: whoever reads it again makes the same sketches.
    halves = np.hstack([np.linalg.qr(one)[0] for one in drawn]).astype(np.float16)
    rotations = halves.astype(np.float32)
    levels = max(1, round(BITS / rotations.shape[1]))
    shares = np.arange(1, levels + 1) / (levels + 1)
    thresholds = np.quantile(sample @ rotations, shares, axis=0).astype(np.float32)
    return Sketcher(rotations, thresholds)
