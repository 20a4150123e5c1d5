"""CIELAB colours: sRGB in, coordinates out in which equal distances look about equal."""

import numpy as np
import numpy.typing as npt

from similarity.encoders.base import FloatArray

# IEC 61966-2-1: linear sRGB to CIE XYZ, divided by the D65 white point.
_WHITE_D65 = np.array([0.95047, 1.0, 1.08883])
_TO_XYZ = (
    np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    / _WHITE_D65[:, None]
)
_LEVELS = np.arange(256) / 255
_LINEAR = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4)
_EPSILON = (6 / 29) ** 3
_CHROMA_COMPRESSION = 0.045  # CIE94: a step in chroma C looks 1 + 0.045 C times smaller
_LIGHTNESS_SCALE = 0.75  # folds and shadows change a thing's lightness more than its colour


def srgb_to_lab(rgb: npt.NDArray[np.uint8]) -> FloatArray:
    """Convert 8-bit sRGB to CIELAB (D65): (..., 3) to (..., 3), L 0–100, a and b about ±110."""
    xyz = _LINEAR[rgb] @ _TO_XYZ.T
    f = np.where(xyz > _EPSILON, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    lab: FloatArray = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(
        np.float32
    )
    return lab


def appearance(lab: FloatArray) -> FloatArray:
    """Move CIELAB (..., 3) so that plain distance measures how unlike two products look.

    Chroma is compressed as in CIE94, because otherwise two vivid reds are as far apart as black and
    brown. Lightness counts less than in CIELAB, because light and folds change it.
    """
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    shortened = np.log1p(_CHROMA_COMPRESSION * chroma) / _CHROMA_COMPRESSION
    scale = np.divide(shortened, chroma, out=np.ones_like(chroma), where=chroma > 1e-6)
    moved: FloatArray = np.stack(
        [lab[..., 0] * _LIGHTNESS_SCALE, lab[..., 1] * scale, lab[..., 2] * scale], axis=-1
    )
    return moved


def palette(size: int) -> FloatArray:
    """Return ``size`` colours spread evenly over sRGB, as :func:`appearance` (size, 3).

    Each next colour is the farthest from those before (Gonzalez 1985), starting at white. The
    result is the same on every machine.
    """
    steps = np.linspace(0, 255, 18).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    colours = appearance(srgb_to_lab(grid))
    chosen = [len(colours) - 1]
    nearest = np.full(len(colours), np.inf)
    while len(chosen) < size:
        nearest = np.minimum(nearest, ((colours - colours[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(nearest.argmax()))
    return colours[chosen]
