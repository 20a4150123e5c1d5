"""The pixels of a photo that show the product, found without a model or training."""

import numpy as np
import numpy.typing as npt

from similarity.encoders.base import BoolArray, FloatArray

_BORDER_SHARE = 0.5  # of the border that must look alike to be called a background
_WHITE_SHARE = 0.25  # studio white is a background even if the product meets the border
_BACKGROUND_DISTANCE = 7.0  # CIE76; a studio background's own noise and shadow stay below
_LEAST_SHARE = 0.02  # of the photo; less is noise, not a product
_BELL = 0.5  # standard deviation of the bell over the product, in halves of its box


def pixel_weights(lab: FloatArray, alpha: npt.NDArray[np.uint8] | None = None) -> FloatArray:
    """Return the weight of each pixel for the product, 0–1: (H, W, 3) to (H, W).

    The background is the transparent part of ``alpha``. Without transparency it is the area of the
    border's colour that is connected with the border. The middle of the product counts more. A
    photo without a distinguishable product counts as a whole.
    """
    mask = _opaque(alpha) if alpha is not None else None
    if mask is None:
        mask = _apart_from_background(lab)
    if mask.mean() < _LEAST_SHARE:
        mask = np.ones_like(mask)
    weights: FloatArray = mask * _centre(mask)
    return weights


def _opaque(alpha: npt.NDArray[np.uint8]) -> BoolArray | None:
    mask: BoolArray = alpha >= 128
    return mask if not mask.all() else None


def _apart_from_background(lab: FloatArray) -> BoolArray:
    background = _background_colour(lab)
    if background is None:
        return np.ones(lab.shape[:2], dtype=bool)
    alike = ((lab - background) ** 2).sum(axis=-1) < _BACKGROUND_DISTANCE**2
    return _between_edges(~_connected_with_border(alike))


def _background_colour(lab: FloatArray) -> FloatArray | None:
    border = np.concatenate([lab[0], lab[-1], lab[1:-1, 0], lab[1:-1, -1]])
    white = (border[:, 0] > 94) & (np.hypot(border[:, 1], border[:, 2]) < 5)
    if white.mean() > _WHITE_SHARE:
        return np.asarray(np.median(border[white], axis=0), dtype=np.float32)
    middle = np.median(border, axis=0)
    alike = ((border - middle) ** 2).sum(axis=1) < (2 * _BACKGROUND_DISTANCE) ** 2
    return np.asarray(middle, dtype=np.float32) if alike.mean() > _BORDER_SHARE else None


def _connected_with_border(alike: BoolArray) -> BoolArray:
    """Return the pixels of ``alike`` reached from the border in steps of one pixel."""
    reached = np.zeros_like(alike)
    reached[[0, -1]] = alike[[0, -1]]
    reached[:, [0, -1]] = alike[:, [0, -1]]
    count = -1
    while count != (count := int(reached.sum())):
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        reached = grown & alike
    return reached


def _between_edges(mask: BoolArray) -> BoolArray:
    """Close the outline, because a white shirt on white shows little but seams and shadows."""
    return _between_edges_of_rows(mask) & _between_edges_of_rows(mask.T).T


def _between_edges_of_rows(mask: BoolArray) -> BoolArray:
    from_left = np.logical_or.accumulate(mask, axis=1)
    from_right = np.logical_or.accumulate(mask[:, ::-1], axis=1)[:, ::-1]
    between: BoolArray = from_left & from_right
    return between


def _centre(mask: BoolArray) -> FloatArray:
    """Return a bell over the product's box, 1 in its middle, because models wear other things."""
    bells = []
    for axis in (1, 0):
        at = np.flatnonzero(mask.any(axis=axis))
        middle, half = (at[0] + at[-1]) / 2, (at[-1] - at[0] + 1) / 2
        bells.append(
            np.exp(-0.5 * ((np.arange(mask.shape[1 - axis]) - middle) / (_BELL * half)) ** 2)
        )
    weights: FloatArray = np.outer(bells[0], bells[1]).astype(np.float32)
    return weights
