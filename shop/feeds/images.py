"""Photos from a folder into the shop's storage, each under the name of its content.

Nothing is downloaded. The name is a hash of the bytes, so that importing the same photo
again finds it stored, and two products may share one file.
"""

import hashlib
import re
import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.files.base import ContentFile
from PIL import Image

from shop.models import ProductImage

FIELD = ProductImage._meta.get_field("image")
MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 40_000_000
EXTENSIONS = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "GIF": "gif", "WEBP": "webp"}
DECODERS = ("JPEG", "PNG", "GIF", "WEBP")
# What Pillow's decoders raise for broken files; none of them is an error of this program.
BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError,
    MemoryError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
IMPORTED_NAME = re.compile(r"(?:^|/)feed-[0-9a-f]{32}\.(?:jpg|png|gif|webp)$")


class ImageUnusable(Exception):
    """A photo is missing or broken; the product goes on without it."""


class ImageFolder:
    """The folder a catalogue's photos lie in. With ``dry_run`` nothing is stored."""

    def __init__(self, folder: Path, dry_run: bool = False) -> None:
        self.folder = folder.resolve()
        self.dry_run = dry_run
        self._storage = FIELD.storage

    def store(self, ref: str) -> str:
        """The name in the storage of the photo the file calls ``ref``.

        Raises :class:`ImageUnusable` where there is none in the folder, or where it is over
        the bounds or cannot be decoded.
        """
        data = self._read(self._find(ref), ref)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # MAX_PIXELS is the stricter bound
                with Image.open(BytesIO(data), formats=DECODERS) as image:
                    return self._store(image, data, ref)
        except BROKEN as error:
            raise ImageUnusable(f"image {ref!r} is no JPEG, PNG, GIF or WebP: {error}") from error

    def _store(self, image: Image.Image, data: bytes, ref: str) -> str:
        stem = hashlib.sha256(data).hexdigest()[:32]
        name = FIELD.generate_filename(None, f"feed-{stem}.{EXTENSIONS[image.format or '']}")
        # The size tells a file that a killed import left half written.
        if self._storage.exists(name) and self._storage.size(name) == len(data):
            return name
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise ImageUnusable(
                f"image {ref!r} has {width} × {height} pixels; {MAX_PIXELS} is the most allowed"
            )
        image.load()  # a header alone proves nothing
        if not self.dry_run:
            self._save(name, data)
        return name

    def _find(self, ref: str) -> Path:
        relative = _relative(ref)
        try:
            path = (self.folder / relative).resolve()
            inside = path.is_relative_to(self.folder) and not Path(relative).is_absolute()
            there = inside and path.is_file()
        except (OSError, RuntimeError, ValueError) as error:
            raise ImageUnusable(f"image {ref!r} cannot be looked up: {error}") from error
        if not inside:
            raise ImageUnusable(f"image {ref!r} lies outside the images folder")
        if not there:
            raise ImageUnusable(f"image {ref!r} is not in the images folder")
        return path

    def _read(self, path: Path, ref: str) -> bytes:
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise ImageUnusable(f"image {ref!r} cannot be read: {error.strerror}") from error
        if len(data) > MAX_BYTES:
            raise ImageUnusable(f"image {ref!r} is larger than {MAX_BYTES >> 20} MiB")
        return data

    def _save(self, name: str, data: bytes) -> None:
        if self._storage.exists(name):
            self._storage.delete(name)
        saved = self._storage.save(name, ContentFile(data))
        if saved != name:  # another import stored the same photo in between
            self._storage.delete(saved)


def _relative(ref: str) -> str:
    """The path below the folder: of an address on the web, its file name alone."""
    relative = ref.replace("\\", "/")
    if "://" in ref:
        try:
            parts = urlsplit(ref)
        except ValueError as error:
            raise ImageUnusable(f"image {ref!r} is no address: {error}") from error
        if parts.scheme not in ("http", "https"):
            raise ImageUnusable(f"image {ref!r} is neither a file name nor an http address")
        relative = re.split(r"[/\\]", unquote(parts.path))[-1]
    if not relative or "\0" in relative:
        raise ImageUnusable(f"image {ref!r} names no file")
    return relative
