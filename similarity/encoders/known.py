"""Vectors of content seen lately, so that what products share is encoded once."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence

from similarity.encoders.base import FloatArray

#: Vectors kept at once: 10 MB of 1,280 numbers each.
SIZE = 2000


def name_of(data: bytes) -> bytes:
    """Names content by its bytes, a text's or a file's."""
    return hashlib.blake2b(data, digest_size=16).digest()


class KnownVectors:
    """The vectors of one encoder by the name of what they are of, the latest ``size``.

    Not for several threads at once: the encoder's lock is around it.
    """

    def __init__(self, size: int = SIZE) -> None:
        self.size = size
        self._rows: OrderedDict[bytes, FloatArray] = OrderedDict()

    def rows(
        self, names: Sequence[bytes], encode: Callable[[list[int]], FloatArray]
    ) -> list[FloatArray]:
        """The vector of each name, those not known by ``encode(places)``, once for each name.

        ``places`` are where in ``names`` they stand first.
        """
        found = {name: self._rows[name] for name in names if name in self._rows}
        missing = {name: at for at, name in reversed(list(enumerate(names))) if name not in found}
        places = sorted(missing.values())
        if places:
            made = encode(places)
            found |= {names[at]: row for at, row in zip(places, made, strict=True)}
        for name, row in found.items():
            self.keep(name, row)
        return [found[name] for name in names]

    def get(self, name: bytes) -> FloatArray | None:
        """The vector of one, or None."""
        return self._rows.get(name)

    def keep(self, name: bytes, row: FloatArray) -> None:
        self._rows[name] = row
        self._rows.move_to_end(name)
        if len(self._rows) > self.size:
            self._rows.popitem(last=False)

    def clear(self) -> None:
        self._rows.clear()

    def __len__(self) -> int:
        return len(self._rows)
