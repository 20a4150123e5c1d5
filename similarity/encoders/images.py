"""Product photos: from untrusted bytes to bounded pictures, each read and decoded once."""

import io
import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from similarity import conf
from similarity.catalog.content import ImageRef, ProductContent
from similarity.encoders.known import name_of
from similarity.encoders.weights import package
from similarity.exceptions import ImageRejected

if TYPE_CHECKING:
    from PIL import Image

logger = logging.getLogger(__name__)

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")

#: Longest side of a decoded photo in pixels: above what the networks read, and small
#: enough (1 MB) that a batch of products fits in memory.
MAX_SIDE = 512

#: Decoded photos kept at once, 1 MB each at most.
CACHE_SIZE = 256


class Photo(NamedTuple):
    """A decoded photo; ``name`` is that of the file's bytes (:func:`known.name_of`)."""

    name: bytes
    image: "Image.Image"


class PixelBudget:
    """Lets threads decode at once as long as their pictures together hold so many pixels.

    So that several threads need no more memory than the largest picture that is allowed does.
    """

    def __init__(self) -> None:
        self._taken = 0
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, pixels: int, most: int) -> Iterator[None]:
        """Wait until ``pixels`` fit beside what others decode; a picture alone always does."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + pixels <= most)
            self._taken += pixels
        try:
            yield
        finally:
            with self._changed:
                self._taken -= pixels
                self._changed.notify_all()


def decode(data: bytes) -> "Image.Image":
    """Decode a photo: RGB or RGBA, upright, ``MAX_SIDE`` pixels at most on its longest side.

    Palette, greyscale, 16-bit and CMYK pictures come out as RGB, those with a transparent
    pixel as RGBA; of an animated one comes the first frame. Raises :class:`ImageRejected`
    for data over ``IMAGE_MAX_BYTES``, over ``IMAGE_MAX_PIXELS`` (read from the header,
    before decoding), not in ``FORMATS``, or damaged: a truncated photo is rejected.
    """
    most_bytes = conf.get("IMAGE_MAX_BYTES")
    if len(data) > most_bytes:
        raise ImageRejected(
            f"The image has more than {most_bytes} bytes; make it smaller or raise "
            "SIMILARITY['IMAGE_MAX_BYTES']."
        )
    try:
        return _decode(data)
    except ImageRejected:
        raise
    except Exception as error:
        # A door: the bytes are anybody's, and Pillow's decoders raise OSError, SyntaxError,
        # ValueError, struct.error, KeyError and more on bytes that are not what they claim.
        raise ImageRejected(
            f"The image cannot be decoded ({type(error).__name__}: {error}); replace it by a "
            f"sound {', '.join(FORMATS)} file."
        ) from error


def on_white(image: "Image.Image") -> "Image.Image":
    """The picture as RGB, laid on white where it is transparent."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = package("PIL.Image").new("RGBA", image.size, "white")
    white.alpha_composite(image)
    return white.convert("RGB")


def photos(content: ProductContent) -> "list[Image.Image]":
    """The readable photos of a product in the host's order; the others are logged and left out.

    Do not change a picture in place: other encoders are given the same one.
    """
    return [photo.image for photo in named_photos(content)]


def named_photos(content: ProductContent) -> list[Photo]:
    """As :func:`photos`, each with the name of its bytes."""
    found = [photo_of(ref, content.key) for ref in content.images]
    return [photo for photo in found if photo is not None]


def photo_of(ref: ImageRef, key: str) -> Photo | None:
    """One photo of the product ``key``; None, and a line in the log, where it is not readable.

    May be called by several threads at once.
    """
    return _cache.get(ref, partial(_read, ref, key))


def _read(ref: ImageRef, key: str) -> Photo | None:
    try:
        data = ref.read(conf.get("IMAGE_MAX_BYTES"))
        return Photo(name_of(data), decode(data))
    except (OSError, ImageRejected) as error:
        logger.warning("Product %s goes on without its image %r: %s", key, ref.name, error)
        return None


class PhotoCache:
    """Decoded photos by the ``ImageRef`` object they come from.

    An entry lives as long as its reference, which is one batch of the pipeline: the
    image encoder decodes, the colour encoder right after finds the picture here, and
    nothing outlives the batch or goes stale. ``size`` bounds what a caller that holds a
    whole catalogue keeps in memory.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._kept: dict[int, tuple[weakref.ref[ImageRef], Photo | None]] = {}
        self._lock = threading.Lock()

    def get(self, ref: ImageRef, read: Callable[[], Photo | None]) -> Photo | None:
        """The picture of ``ref``, by ``read()`` the first time; None for one that is rejected."""
        known = self._kept.get(id(ref))
        if known is not None and known[0]() is ref:
            return known[1]
        photo = read()
        name = id(ref)
        with self._lock:
            while len(self._kept) >= self.size:
                self._kept.pop(next(iter(self._kept)), None)
            self._kept[name] = (weakref.ref(ref, lambda _: self._kept.pop(name, None)), photo)
        return photo

    def __len__(self) -> int:
        return len(self._kept)


_cache = PhotoCache(CACHE_SIZE)
_under_way = PixelBudget()


def _decode(data: bytes) -> "Image.Image":
    pillow = package("PIL.Image")
    try:
        image = pillow.open(io.BytesIO(data), formats=FORMATS)
    except package("PIL").UnidentifiedImageError as error:
        raise ImageRejected(f"The image is in none of the formats {', '.join(FORMATS)}.") from error
    width, height = image.size
    most_pixels = conf.get("IMAGE_MAX_PIXELS")
    if width * height > most_pixels or not width * height:
        raise ImageRejected(
            f"The image has {width} × {height} pixels, {most_pixels} at most are decoded; make it "
            "smaller or raise SIMILARITY['IMAGE_MAX_PIXELS']."
        )
    with _under_way.taken(width * height, most_pixels):
        image.draft(None, (MAX_SIDE, MAX_SIDE))  # a JPEG at 1/2, 1/4 or 1/8 of its size
        image.load()
        image = _eight_bits(image)
        image.thumbnail((MAX_SIDE, MAX_SIDE), pillow.Resampling.BICUBIC)
        return _upright(image)


def _eight_bits(image: "Image.Image") -> "Image.Image":
    """RGB, or RGBA where some pixel is transparent."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image).astype(np.float32)
        sixteen = image.mode.startswith("I;16") or values.max(initial=0) > 255
        top = 65535 if sixteen else 255
        grey = package("PIL.Image").fromarray((values * (255 / top)).clip(0, 255).astype(np.uint8))
        grey.info = image.info
        return grey.convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    lowest, _ = image.getchannel("A").getextrema()
    return image if lowest < 255 else image.convert("RGB")  # type: ignore[operator]


def _upright(image: "Image.Image") -> "Image.Image":
    try:
        return package("PIL.ImageOps").exif_transpose(image)
    except Exception as error:  # noqa: BLE001 - a broken EXIF block does not spoil a sound photo
        logger.debug("The EXIF orientation of an image cannot be read: %s", error)
        return image
