"""Photos from a folder to the shop's storage, each named by its content.

No file is downloaded. The name is a hash of the bytes, so that a second import finds the photo
stored, and two products may share a file.
"""

import hashlib
import os
import re
from functools import cached_property
from pathlib import Path

from django.core.files.base import ContentFile

from shop.feeds.references import name_key, path_of
from shop.models import ProductImage
from similarity import ImageRejected, check_image, image_format

FIELD = ProductImage._meta.get_field("image")
MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 40_000_000
MOST_FILES = 200_000  # of the folder that are looked up by name
EXTENSIONS = {
    "JPEG": "jpg", "PNG": "png", "GIF": "gif", "WEBP": "webp", "AVIF": "avif", "BMP": "bmp",
}  # fmt: skip
KINDS = "JPEG, PNG, GIF, WebP, AVIF or BMP"
IMPORTED_NAME = re.compile(r"(?:^|/)feed-[0-9a-f]{32}\.(?:jpg|png|gif|webp|avif|bmp)$")


class ImageUnusable(Exception):
    """A photo is missing or broken; the product is imported without it."""


class ImageFolder:
    """The folder of a catalogue's photos. With ``dry_run`` no photo is stored."""

    def __init__(self, folder: Path, dry_run: bool = False) -> None:
        self.folder = folder.resolve()
        self.dry_run = dry_run
        #: Photos found by only a part of the path in the file.
        self.by_name = 0
        #: File names at the end of several paths in the file: see :meth:`_find`.
        self.claimed: dict[str, tuple[str, ...]] = {}
        self.contested: set[str] = set()
        self._storage = FIELD.storage

    def claim(self, ref: str) -> None:
        """Record that the file names ``ref``, before the first photo is read."""
        try:
            path = name_key(path_of(ref))
        except ValueError:
            return
        if not path:
            return
        other = self.claimed.setdefault(path[-1], path)
        if _shared_end(path, other) < min(len(path), len(other)):
            self.contested.add(path[-1])

    def store(self, ref: str) -> str:
        """Return the name in the storage of the photo that the file calls ``ref``.

        Raise :class:`ImageUnusable` if the folder does not have it, or if it exceeds the limits
        or cannot be decoded.
        """
        data = self._read(self._find(ref), ref)
        kind = image_format(data)
        if kind not in EXTENSIONS:
            raise ImageUnusable(f"image {ref!r} is no {KINDS}")
        stem = hashlib.sha256(data).hexdigest()[:32]
        name = FIELD.generate_filename(None, f"feed-{stem}.{EXTENSIONS[kind]}")
        # The size reveals a file that a killed import left half written.
        if self._storage.exists(name) and self._storage.size(name) == len(data):
            return name
        try:
            check_image(
                data, max_bytes=MAX_BYTES, max_pixels=MAX_PIXELS
            )  # a valid header is not enough
        except ImageRejected as error:
            raise ImageUnusable(f"image {ref!r} is no whole {kind}: {error}") from error
        if not self.dry_run:
            self._save(name, data)
        return name

    def _find(self, ref: str) -> Path:
        """Return the file that shares the longest end of its path with ``ref``.

        Raise if several files share as much, or if several references share only a file's name:
        a wrong photo is worse than no photo.
        """
        try:
            relative = path_of(ref)
            wanted = name_key(relative)
            exact = self.folder / relative
            if ".." in wanted or not self._is_file(exact):
                exact = self._nearest(ref, wanted)
            path = exact.resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise ImageUnusable(f"image {ref!r} {error}") from error
        if not path.is_relative_to(self.folder):
            raise ImageUnusable(f"image {ref!r} lies outside the images folder")
        return path

    def _is_file(self, path: Path) -> bool:
        try:
            return path.is_file()
        except OSError:
            return False

    def _nearest(self, ref: str, wanted: tuple[str, ...]) -> Path:
        shared = {
            file: _shared_end(wanted, name_key(file))
            for file in self._files.get(wanted[-1] if wanted else "", ())
        }
        if not shared:
            raise ImageUnusable(f"image {ref!r} is not in the images folder")
        most = max(shared.values())
        best = [file for file, length in shared.items() if length == most]
        if len(best) > 1:
            raise ImageUnusable(
                f"image {ref!r} may be any of {', '.join(map(repr, sorted(best)[:3]))}; "
                "name the folder, too"
            )
        if most == 1 and wanted[-1] in self.contested:
            raise ImageUnusable(
                f"image {ref!r} would be {best[0]!r}, and so would another of the same name; "
                "keep the folders of the photos"
            )
        self.by_name += most < len(wanted)
        return self.folder / best[0]

    @cached_property
    def _files(self) -> dict[str, list[str]]:
        """Return file name, as it is compared → paths below the folder."""
        found: dict[str, list[str]] = {}
        count = 0
        for folder, folders, names in os.walk(self.folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), self.folder)
                found.setdefault(name_key(name)[-1], []).append(path.replace(os.sep, "/"))
                count += 1
            if count > MOST_FILES:
                break
        return found

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


def _shared_end(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    length = 0
    for mine, theirs in zip(reversed(one), reversed(other), strict=False):
        if mine != theirs:
            break
        length += 1
    return length
