"""Vectors of recent content, so that content shared by products is encoded once."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

from similarity.encoders.base import FloatArray

#: Vectors kept at once: 10 MB if each has 1,280 numbers.
SIZE = 2000


def name_of(data: bytes) -> bytes:
    """Return a name of content from its bytes, a text's or a file's."""
    return hashlib.blake2b(data, digest_size=16).digest()


class KnownVectors:
    """The latest ``size`` vectors of an encoder, by the name of their content."""

    def __init__(self, size: int = SIZE) -> None:
        self.size = size
        self._rows: OrderedDict[bytes, FloatArray] = OrderedDict()
        self._lock = threading.Lock()

    def rows(
        self, names: Sequence[bytes], encode: Callable[[list[int]], FloatArray]
    ) -> list[FloatArray]:
        """Return the vector of each name; call ``encode(places)`` for unknown names, each once.

        ``places`` are the positions in ``names`` where they stand first.
        """
        found: dict[bytes, FloatArray] = {}
        places: list[int] = []
        asked: set[bytes] = set()
        for at, name in enumerate(names):
            if name in asked:
                continue
            asked.add(name)
            known = self.get(name)
            if known is None:
                places.append(at)
            else:
                found[name] = known
        for at, row in zip(places, encode(places) if places else (), strict=True):
            found[names[at]] = row
            self.keep(names[at], row)
        return [found[name] for name in names]

    def get(self, name: bytes) -> FloatArray | None:
        """Return the vector of a name, or None."""
        with self._lock:
            if name in self._rows:
                self._rows.move_to_end(name)
            return self._rows.get(name)

    def keep(self, name: bytes, row: FloatArray) -> None:
        """Keep ``row`` without copying it; callers must not change it."""
        with self._lock:
            self._rows[name] = row
            self._rows.move_to_end(name)
            if len(self._rows) > self.size:
                self._rows.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._rows.clear()

    def __len__(self) -> int:
        return len(self._rows)
