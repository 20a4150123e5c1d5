"""The look of a photo in a few bytes, equal for copies of another size, format or quality.

A *look* is the brightness of 8 × 8 fields and the tint of 2 × 2. Looks that may belong together are
found by *names*: numbers that a look and its copies have in common. Looks of one name are compared
before they count as the same.
"""

import hashlib
from collections.abc import Iterator
from itertools import islice, product
from typing import TYPE_CHECKING

import numpy as np

from similarity.encoders.images import on_white
from similarity.types import DoubleArray

if TYPE_CHECKING:
    from PIL import Image

#: Bytes of a look.
FIELDS, TINTS = 64, 8
SIZE = FIELDS + TINTS

#: The most that copies differ, of 255: in the mean of all fields, and in a single field.
MEAN_DIFFERENCE, MOST_DIFFERENCE = 1.5, 8

#: Directions in which the brightness of the fields is measured, and the width of a step. A copy
#: differs by a twentieth of a step in most of them, two photos by many.
DIRECTIONS, STEP = 8, 14.0
#: Within this distance of the next step, also search that step's name; at most this many names.
SLACK = 0.15
MOST_NAMES = 16


def look_of(image: "Image.Image") -> bytes:
    """Return the look of a decoded photo."""
    pixels = on_white(image).convert("YCbCr")
    fields = np.asarray(pixels.resize((8, 8), resample=4))[..., 0]  # Resampling.BOX: exact means
    tints = np.asarray(pixels.resize((2, 2), resample=4))[..., 1:]
    return fields.tobytes() + np.ascontiguousarray(tints).tobytes()


def is_same(look: bytes, other: bytes) -> bool:
    """Return True if two looks show the same picture."""
    difference = np.abs(_numbers(look) - _numbers(other))
    return bool(difference.mean() <= MEAN_DIFFERENCE and difference.max() <= MOST_DIFFERENCE)


def name_of_look(look: bytes) -> bytes:
    """Return the name under which a look is kept."""
    return _named(np.floor(_measures(look)))


def names_of_look(look: bytes) -> list[bytes]:
    """Return the names under which its copies may be kept, its own first."""
    measures = _measures(look)
    steps = np.floor(measures)
    beside = measures - steps
    choices = [
        (step, step - 1) if part < SLACK else (step, step + 1) if part > 1 - SLACK else (step,)
        for step, part in zip(steps, beside, strict=True)
    ]
    return [_named(np.array(some)) for some in islice(product(*choices), MOST_NAMES)]


def _measures(look: bytes) -> DoubleArray:
    """Return the steps in each direction, without the brightness that all fields share."""
    fields = _numbers(look)[:FIELDS]
    measures: DoubleArray = _SIGNS @ (fields - np.median(fields)) / 8 / STEP + 0.5
    return measures


def _numbers(look: bytes) -> DoubleArray:
    return np.frombuffer(look, np.uint8).astype(np.float64)


def _named(steps: DoubleArray) -> bytes:
    return hashlib.blake2b(steps.astype(np.int32).tobytes(), digest_size=16).digest()


def _signs() -> Iterator[list[int]]:
    """Yield rows of 64 signs that are the same in every process, on every machine."""
    for at in range(DIRECTIONS):
        bits = int.from_bytes(hashlib.blake2b(b"look%d" % at, digest_size=8).digest(), "big")
        yield [1 if bits >> place & 1 else -1 for place in range(FIELDS)]


_SIGNS: DoubleArray = np.array(list(_signs()), dtype=np.float64)
