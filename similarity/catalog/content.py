"""What the encoders read of a product: plain values, no Django and no torch."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class ImageRef:
    """One product photo, named but not yet read.

    ``read(limit)`` returns the file's first ``limit + 1`` bytes at most, so that a
    caller can tell a file over its limit without loading it; it raises ``OSError``
    where the file cannot be read. ``etag`` changes whenever the file behind the same
    name does (size and modification time, say).
    """

    name: str
    read: Callable[[int], bytes] = field(compare=False, repr=False)
    etag: str = ""


@dataclass(frozen=True)
class ProductContent:
    """One product as the encoders see it.

    ``key`` is the product's primary key as text. ``attributes`` maps an attribute's
    name (``brand``, ``category``, ``colour`` …) to its value; a category path is
    written from the root with `` > `` between its levels. ``group`` is shared by the
    variants of one product, empty for a product without variants. ``codes`` (SKU, EAN, part
    number) are for search alone: no encoder reads them.
    """

    key: str
    title: str
    description: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    price: Decimal | None = None
    currency: str = ""
    images: Sequence[ImageRef] = ()
    group: str = ""
    codes: Sequence[str] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256 (64 hex digits) of everything the encoders read.

        Price and stock are left out on purpose: a sale must not re-embed the shop.
        """
        read = [
            self.title,
            self.description,
            sorted(self.attributes.items()),
            [(image.name, image.etag) for image in self.images],
            self.group,
        ]
        text = json.dumps(read, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
