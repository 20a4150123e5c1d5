"""Generate texts and photos of typical lengths and sizes, from a fixed seed."""

import io
import time

import numpy as np

from similarity.catalog.content import ImageRef, ProductContent

WORDS = (
    "red", "blue", "cotton", "shirt", "running", "shoe", "with", "soft", "lining", "for", "men",
    "and", "women", "by", "hand",
)  # fmt: skip


def make_texts(count: int) -> list[str]:
    """Return texts of a few to some hundred words, half of them under 25 words."""
    dice = np.random.default_rng(1)
    lengths = np.clip(dice.lognormal(3.2, 1.0, count), 3, 250).astype(int)
    return [f"{n} " + " ".join(dice.choice(WORDS, length)) for n, length in enumerate(lengths)]


def make_photos(count: int) -> list[bytes]:
    """Return JPEG photos of 300 to 1,200 pixels: blots of colour under some noise."""
    from PIL import Image

    dice = np.random.default_rng(2)
    photos = []
    for _ in range(count):
        side = int(dice.integers(300, 1200))
        blots = Image.fromarray(dice.integers(0, 255, (24, 24, 3), dtype=np.uint8))
        pixels = np.asarray(blots.resize((side, side))).astype(np.int16)
        pixels += dice.integers(-8, 9, pixels.shape, dtype=np.int16)
        buffer = io.BytesIO()
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=88)
        photos.append(buffer.getvalue())
    return photos


def products(photos: list[bytes], wait_s: float = 0.0) -> list[ProductContent]:
    """Return a product per photo, read again each time, after ``wait_s`` as from slow storage."""

    def ref(at: int, data: bytes) -> ImageRef:
        return ImageRef(str(at), lambda limit: (time.sleep(wait_s), data)[1])

    return [
        ProductContent(key=str(at), title="", images=[ref(at, data)])
        for at, data in enumerate(photos)
    ]
