"""What stands behind a product: seamless studio paper, or a coloured wall and floor."""

import numpy as np

from shop.seed.drawing.canvas import SIZE
from shop.seed.drawing.palette import Rgb, mix, rgb

TINTS = [
    rgb(code)
    for code in ("eeece8", "e9edef", "f0ebe4", "ececee", "eaeee8", "f1eae7", "e8ebf0", "efeee6")
]
WALLS = [
    rgb(code)
    for code in ("d9d2c5", "c9d3cf", "d8c6bb", "cbd0d8", "d5d4bf", "dccfd0", "c8d2c3", "e0d3b8")
]


def studio(tint: Rgb) -> np.ndarray:
    """Light paper, brightest behind the product."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
    far = np.hypot(x - 0.44, (y - 0.42) * 0.95)
    light = 1.045 - 0.2 * far**1.6 - 0.05 * y
    return (np.asarray(tint, np.float32) * light[..., None]).clip(0, 1)


def wall(colour: Rgb, floor_at: float | None) -> np.ndarray:
    """A coloured wall; ``floor_at`` (0–1 from the top) is where the floor begins, if at all."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
    light = 1.06 - 0.24 * np.hypot(x - 0.25, y - 0.2) ** 1.3
    out = np.asarray(colour, np.float32) * light[..., None]
    if floor_at is not None:
        ground = np.asarray(mix(colour, (0.97, 0.95, 0.92), 0.55), np.float32)
        shine = 0.94 + 0.14 * ((y - floor_at) / (1 - floor_at)).clip(0, 1)
        cover = ((y - floor_at) * 260).clip(0, 1)[..., None]
        out = out + (ground * shine[..., None] - out) * cover
    return out.clip(0, 1)
