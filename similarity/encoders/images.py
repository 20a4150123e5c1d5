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
    """A decoded photo; ``name`` is the name of the file's bytes (:func:`known.name_of`)."""

    name: bytes
    image: "Image.Image"


class PixelBudget:
    """A limit on the pixels that threads decode at the same time.

    So several threads together need no more memory than the largest allowed picture.
    """

    def __init__(self) -> None:
        self._taken = 0
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, pixels: int, most: int) -> Iterator[None]:
        """Wait until ``pixels`` fit beside other threads' pictures; a lone picture always fits."""
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

    Palette, greyscale, 16-bit and CMYK pictures become RGB, pictures with a transparent pixel RGBA.
    An animated picture gives its first frame. Raises :class:`ImageRejected` for bytes that
    :func:`check_cost` refuses, by default with the ``limits`` of a product's photo. Raises it also
    for a picture that takes more than ``cpu_s`` seconds of the processor or more memory than its
    pixels warrant, and for damaged data, including a truncated photo.
    """
    limits = limits or Limits.of_photo()
    header = check_cost(data, limits)
    with _under_way.taken(header.width * header.height, limits.pixels):
        found = pool.decode(data, limits, cpu_s)
    image: Image.Image = package("PIL.Image").frombytes(found.mode, found.size, found.data)
    return image


def check_image(data: bytes, *, max_bytes: int | None = None, max_pixels: int | None = None) -> str:
    """Decode a photo as the encoders would and return its format, such as ``"JPEG"``.

    Use it in a host that checks photos before it stores them. The limits are
    ``IMAGES["MAX_BYTES"]`` and ``IMAGES["MAX_PIXELS"]`` by default. Raises :class:`ImageRejected`
    for data over the limits, data of no picture format, and pictures that are damaged or cost too
    much. Needs the extra ``encoders``.
    """
    usual = Limits.of_photo()
    most = usual.bytes if max_bytes is None else max_bytes
    pixels = usual.pixels if max_pixels is None else max_pixels
    decode(data, Limits(most, pixels, "store a smaller one"))
    return image_format(data)


def on_white(image: "Image.Image") -> "Image.Image":
    """Return the picture as RGB, with white under its transparent parts."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = package("PIL.Image").new("RGBA", image.size, "white")
    white.alpha_composite(image)
    return white.convert("RGB")


def photos(content: ProductContent) -> "list[Image.Image]":
    """Return a product's readable photos in the host's order; log and leave out the others.

    Do not change a picture in place, because other encoders get the same picture.
    """
    return [photo.image for photo in named_photos(content)]


def named_photos(content: ProductContent) -> list[Photo]:
    """Return :func:`photos`, each with the name of its bytes."""
    found = [photo_of(ref, content.key) for ref in content.images]
    return [photo for photo in found if photo is not None]


def photo_of(ref: ImageRef, key: str) -> Photo | None:
    """Return a photo of the product ``key``; None, and a log entry, if it is not readable.

    Several threads may call it at once.
    """
    return _cache.get(ref, partial(_read, ref, key))


def decode_query(ref: ImageRef, data: bytes, cpu_s: float) -> None:
    """Decode a shopper's picture under its own limits; encoders then find it by ``ref``.

    Raises :class:`ImageRejected` as :func:`decode` does.
    """
    _cache.get(ref, lambda: Photo(name_of(data), decode(data, Limits.of_query(), cpu_s)))


def _read(ref: ImageRef, key: str) -> Photo | None:
    try:
        data = ref.read(Limits.of_photo().bytes)
        return Photo(name_of(data), decode(data))
    except (OSError, ImageRejected) as error:
        logger.warning("Product %s continues without its image %r: %s", key, ref.name, error)
        return None


class PhotoCache:
    """A cache of decoded photos by their ``ImageRef`` object.

    An entry lives as long as its reference, which is one batch of the pipeline: the image encoder
    decodes, and the colour encoder after it finds the picture here. No entry outlives the batch or
    goes stale. ``size`` limits the memory of a caller that holds a whole catalogue.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._kept: dict[int, tuple[weakref.ref[ImageRef], Photo | None]] = {}
        self._lock = threading.Lock()

    def get(self, ref: ImageRef, read: Callable[[], Photo | None]) -> Photo | None:
        """Return the picture of ``ref``, by ``read()`` the first time; None if rejected."""
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
