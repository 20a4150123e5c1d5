"""Part vectors on disk, so that a repeated evaluation encodes only new products."""

import hashlib
import json
import logging
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from similarity.catalog.content import ProductContent
from similarity.encoders.base import Encoded, Encoder

logger = logging.getLogger(__name__)

_CHUNK = 64  # products between two steps of the progress bar


class VectorCache:
    """A cache with one ``.npz`` in ``folder`` for each encoder; rows found by the encoder's input.

    The file's name holds a hash of the encoder's signature, so that other weights or options make a
    new file. A damaged file is made again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def encode(
        self,
        encoders: Mapping[str, Encoder],
        contents: Sequence[ProductContent],
        progress: Callable[[int], object] = lambda count: None,
    ) -> dict[str, Encoded]:
        """Return N rows for each part. Encoded rows are kept even if the call is interrupted.

        ``progress`` gets the number of products done since its last call.
        """
        shelves = {part: _Shelf(self.folder, encoder) for part, encoder in encoders.items()}
        try:
            for start in range(0, len(contents), _CHUNK):
                # All parts of a chunk in turn, so that its photos are decoded once for all of them.
                chunk = contents[start : start + _CHUNK]
                for shelf in shelves.values():
                    shelf.add(chunk)
                progress(len(chunk))
        finally:
            for shelf in shelves.values():
                shelf.save()
        return {part: shelf.rows(contents) for part, shelf in shelves.items()}


class _Shelf:
    """The rows of an encoder: fingerprint → vector, all zero if there was no content."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        digest = hashlib.sha256(encoder.signature.encode()).hexdigest()[:16]
        self.path = folder / f"{encoder.name}-{digest}.npz"
        self.encoder = encoder
        self.kept = self._load()
        self.changed = False

    def add(self, contents: Sequence[ProductContent]) -> None:
        missing = [content for content in contents if self._name(content) not in self.kept]
        if missing:
            encoded = self.encoder.encode(missing)
            names = [self._name(content) for content in missing]
            self.kept.update(zip(names, encoded.vectors, strict=True))
            self.changed = True

    def rows(self, contents: Sequence[ProductContent]) -> Encoded:
        vectors = np.zeros((len(contents), self.encoder.dimension), dtype=np.float32)
        for row, content in enumerate(contents):
            vectors[row] = self.kept[self._name(content)]
        return Encoded(vectors, np.asarray(vectors.any(axis=1)))

    def save(self) -> None:
        if not self.changed:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_name(f"{self.path.stem}-{os.getpid()}.tmp.npz")
        names = np.array(list(self.kept), dtype="U64")
        np.savez(unfinished, names=names, vectors=np.stack(list(self.kept.values())))
        unfinished.replace(self.path)
        self.changed = False

    def _name(self, content: ProductContent) -> str:
        """Return a hash of all the encoder reads, including the price."""
        read = [_plain(getattr(content, name)) for name in self.encoder.fingerprint_fields]
        return hashlib.sha256(json.dumps(read).encode()).hexdigest()

    def _load(self) -> dict[str, np.ndarray]:
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return dict(zip(arrays["names"].tolist(), arrays["vectors"], strict=True))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            logger.warning("The cache file %s is damaged and is made again: %s", self.path, error)
            return {}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return sorted(value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [(image.name, image.etag) for image in value]
    return str(value)
