"""Arithmetic on arrays of pixels that all drawing shares."""

from functools import cache

import numpy as np

TILE = 512
REACH = 64  # no point of cell_tile() is farther from its second neighbour


def blur(values: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian blur of (h, w) floats, as three box blurs; edges go on as they are."""
    radius = max(1, round((np.sqrt(4 * sigma * sigma + 1) - 1) / 2))
    out = values.astype(np.float64)
    for _ in range(3):
        for axis in (0, 1):
            out = _box(out, min(radius, out.shape[axis] * 4), axis)
    return out.astype(np.float32)


def _box(values: np.ndarray, radius: int, axis: int) -> np.ndarray:
    padding = [(0, 0), (0, 0)]
    padding[axis] = (radius + 1, radius)
    total = np.cumsum(np.pad(values, padding, mode="edge"), axis=axis)
    width = 2 * radius + 1
    if axis == 0:
        return (total[width:] - total[:-width]) / width
    return (total[:, width:] - total[:, :-width]) / width


@cache
def noise_tile(sigma: float) -> np.ndarray:
    """A TILE × TILE field that repeats without a seam: mean 0, deviation 1."""
    white = np.random.default_rng(20240 + int(sigma * 10)).standard_normal((TILE, TILE))
    if sigma:
        frequency = np.fft.fftfreq(TILE)
        falloff = np.exp(-2 * (np.pi * sigma * frequency) ** 2)
        white = np.fft.ifft2(np.fft.fft2(white) * falloff[:, None] * falloff[None, :]).real
    return ((white - white.mean()) / white.std()).astype(np.float32)


@cache
def cell_tile() -> np.ndarray:
    """Cracks between irregular cells, as in leather: 0 inside a cell, 1 in a crack."""
    points = np.random.default_rng(77).random((900, 2)) * TILE
    nearest = np.full((2, TILE, TILE), 1e9)
    around = np.arange(-REACH, REACH)
    for x, y in points:
        columns, rows = np.floor(x) + around, np.floor(y) + around
        distance = np.hypot(columns[None, :] - x, rows[:, None] - y)
        at = np.ix_(rows.astype(int) % TILE, columns.astype(int) % TILE)
        first, second = nearest[0][at], nearest[1][at]
        nearest[1][at] = np.where(distance < first, first, np.minimum(second, distance))
        nearest[0][at] = np.minimum(first, distance)
    crack = 1 - ((nearest[1] - nearest[0]) / 5).clip(0, 1)
    return crack.astype(np.float32)


def sample(tile: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The tile's values at coordinates that may lie anywhere; between them it is linear."""
    x0, y0 = np.floor(x), np.floor(y)
    along, down = (x - x0).astype(np.float32), (y - y0).astype(np.float32)
    column, row = x0.astype(np.int32) % TILE, y0.astype(np.int32) % TILE
    right, below = (column + 1) % TILE, (row + 1) % TILE
    upper = tile[row, column] * (1 - along) + tile[row, right] * along
    lower = tile[below, column] * (1 - along) + tile[below, right] * along
    return upper * (1 - down) + lower * down


def noise(u: np.ndarray, v: np.ndarray, sigma: float = 1.0) -> np.ndarray:
    """The noise field of that softness at (u, v)."""
    return sample(noise_tile(sigma), u, v)


def band(at: np.ndarray, period: float, width: float, soft: float = 1.7) -> np.ndarray:
    """1 within bands of ``width`` that repeat every ``period``, 0 between; soft edges."""
    distance = np.abs((at / period) % 1 - 0.5) * period
    return ((width / 2 - distance) / soft + 0.5).clip(0, 1)
