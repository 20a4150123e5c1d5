"""Product photos: from untrusted bytes to bounded pictures, each read and decoded once."""

import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from similarity.catalog.content import ImageRef, ProductContent
from similarity.catalog.picture_header import Limits, check_cost, image_format
from similarity.encoders.decoder_processes import CPU_S, pool
from similarity.encoders.known import name_of
from similarity.encoders.weights import package
from similarity.exceptions import ImageRejected

if TYPE_CHECKING:
    from PIL import Image

logger = logging.getLogger(__name__)

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


def decode(data: bytes, limits: Limits | None = None, cpu_s: float = CPU_S) -> "Image.Image":
    """Decode a photo: RGB or RGBA, upright, ``MAX_SIDE`` pixels at most on its longest side.

    Palette, greyscale, 16-bit and CMYK pictures come out as RGB, those with a transparent
    pixel as RGBA; of an animated one comes the first frame. Raises :class:`ImageRejected`
    for what :func:`check_cost` refuses by the bytes alone, with ``limits`` those of a product's
    photo by default; for what takes more than ``cpu_s`` seconds of the processor, or more memory
    than its pixels warrant; and for damaged data: a truncated photo is rejected.
    """
    limits = limits or Limits.of_photo()
    header = check_cost(data, limits)
    with _under_way.taken(header.width * header.height, limits.pixels):
        found = pool.decode(data, limits, cpu_s)
    image: Image.Image = package("PIL.Image").frombytes(found.mode, found.size, found.data)
    return image


def check_image(data: bytes, *, max_bytes: int | None = None, max_pixels: int | None = None) -> str:
    """Decode a photo as the encoders would and return its format, such as ``"JPEG"``.

    For a host that checks photos before it stores them. The limits are ``IMAGES["MAX_BYTES"]`` and
    ``IMAGES["MAX_PIXELS"]`` by default. Raises :class:`ImageRejected` for what is over them, is no
    picture, is damaged or costs too much; needs the extra ``encoders``.
    """
    usual = Limits.of_photo()
    most = usual.bytes if max_bytes is None else max_bytes
    pixels = usual.pixels if max_pixels is None else max_pixels
    decode(data, Limits(most, pixels, "store a smaller one"))
    return image_format(data)


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


def decode_query(ref: ImageRef, data: bytes, cpu_s: float) -> None:
    """Decode a shopper's picture under its own limits; encoders find it by ``ref`` from then on.

    Raises :class:`ImageRejected` as :func:`decode` does.
    """
    _cache.get(ref, lambda: Photo(name_of(data), decode(data, Limits.of_query(), cpu_s)))


def _read(ref: ImageRef, key: str) -> Photo | None:
    try:
        data = ref.read(Limits.of_photo().bytes)
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
