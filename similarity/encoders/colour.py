"""The colours of a product as a shopper sees them: a smoothed CIELAB histogram of its photos.

Networks trained to name objects learn to overlook colour. So colour is a separate part, computed
without a model.
"""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from similarity.catalog.content import ProductContent
from similarity.encoders import images
from similarity.encoders.base import Encoded, Encoder, FloatArray, unit_rows
from similarity.encoders.cielab import appearance, palette, srgb_to_lab
from similarity.encoders.foreground import pixel_weights
from similarity.encoders.known import KnownVectors
from similarity.exceptions import EncoderError

if TYPE_CHECKING:
    from PIL import Image

_SIDE = 64  # pixels; enough for colours, and a photo takes two milliseconds
_SHARPNESS = 6.0  # CIELAB units at which a palette colour's share falls off
_VERSION = 2


class ColourEncoder(Encoder):
    """An encoder with a coordinate for each of ``colours`` palette colours, even over CIELAB.

    A pixel gives each palette colour a share that falls with the distance, so that near colours get
    near vectors. The coordinate is the square root of the product's share of the colour. So the
    cosine of two products is the Bhattacharyya coefficient of their colours, between 0 and 1.
    Several photos count equally.

    Raises :class:`EncoderError` unless 8 ≤ ``colours`` ≤ 256.
    """

    name = "colour"
    fingerprint_fields = ("images",)

    def __init__(self, colours: int = 64) -> None:
        if not isinstance(colours, int) or not 8 <= colours <= 256:
            raise EncoderError(f"The colour encoder has colours={colours!r}; use 8 to 256.")
        self._colours = colours
        self.known = KnownVectors()

    @property
    def dimension(self) -> int:
        return self._colours

    @property
    def signature(self) -> str:
        return f"colour-{_VERSION}:{self._colours},{_SIDE},{_SHARPNESS:g}"

    def encode(self, contents: Sequence[ProductContent]) -> Encoded:
        shares = np.zeros((len(contents), self._colours), dtype=np.float32)
        for row, content in enumerate(contents):
            for photo in images.named_photos(content):
                shares[row] += self._shares(photo)
        vectors = unit_rows(np.sqrt(shares))
        return Encoded(vectors, np.asarray(vectors.any(axis=1)))

    def _shares(self, photo: images.Photo) -> FloatArray:
        known = self.known.get(photo.name)
        if known is None:
            known = colour_shares(photo.image, self._colours)
            self.known.keep(photo.name, known)
        return known


def colour_shares(image: "Image.Image", colours: int) -> FloatArray:
    """Return the share of each palette colour in the photo's product, (colours,), summing to 1."""
    pixels, alpha = _pixels(image)
    lab = srgb_to_lab(pixels)
    weights = pixel_weights(lab, alpha).ravel()
    counted = weights > 1e-3
    memberships = _memberships(appearance(lab).reshape(-1, 3)[counted], colours)
    shares: FloatArray = weights[counted] @ memberships
    return shares / shares.sum()


def _pixels(image: "Image.Image") -> tuple[np.ndarray, np.ndarray | None]:
    scale = _SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    pixels = np.asarray(image.resize(size, resample=4))  # Image.Resampling.BOX: exact means
    return pixels[..., :3], pixels[..., 3] if pixels.shape[-1] == 4 else None


def _memberships(colours: FloatArray, size: int) -> FloatArray:
    """Return each pixel's share of each palette colour: (P, 3) to (P, size), rows sum to 1."""
    centres = _palette(size)
    squared = (colours**2).sum(axis=1)[:, None] - 2 * colours @ centres.T + (centres**2).sum(axis=1)
    likeness = np.exp((squared.min(axis=1, keepdims=True) - squared) / (2 * _SHARPNESS**2))
    memberships: FloatArray = likeness / likeness.sum(axis=1, keepdims=True)
    return memberships


_palette = functools.cache(palette)
