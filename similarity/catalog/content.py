"""The product content that encoders read: plain values, no Django and no torch."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from similarity.catalog.photos import PhotoReader
from similarity.catalog.plaintext import plain_line

#: The fingerprint stored beside vectors of incompletely known content. No content has it, so that
#: the product stays outdated until all of it can be read.
UNSETTLED = "unsettled"

#: The separator of category levels. A filter by a level also matches the levels below.
LEVEL = " > "


@dataclass(frozen=True)
class ImageRef:
    """A product photo, named but not yet read.

    ``read(limit)`` returns the file's first ``limit + 1`` bytes at most, so that a caller can
    detect a file over its limit without loading it. It may raise the storage's own errors:
    :func:`similarity.catalog.photos.is_absent` decides whether an error means that the photo does
    not exist, or that it is temporarily unavailable. Threads that hold no transaction of the
    caller's read several photos at once. ``etag`` changes whenever the file of the same name
    changes (for example size and modification time). ``unknown`` is the reason that the etag is
    temporarily unavailable, and is empty otherwise.
    """

    name: str
    read: Callable[[int], bytes] = field(compare=False, repr=False)
    etag: str = ""
    unknown: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.read, PhotoReader):
            object.__setattr__(self, "read", PhotoReader(self.read, self.name))

    @property
    def delayed(self) -> str:
        """Return why the photo, or its change, is unknown for now; empty otherwise."""
        return self.unknown or str(getattr(self.read, "delayed", ""))


#: Most characters of a title or an attribute's value that are read.
FIELD = 1000


@dataclass(frozen=True)
class ProductContent:
    """A product's content for the encoders.

    ``key`` is the product's primary key as text. ``attributes`` maps an attribute's name
    (``brand``, ``category``, ``colour`` …) to its value. A category path is written from the root
    with `` > `` between its levels. The variants of a product share its ``group``, which is empty
    for a product without variants. ``codes`` (SKU, EAN, part number) are only for search: no
    encoder reads them.

    The fields hold the host's stored texts, which may be HTML. Encoders and search read
    ``plain_title``, ``plain_description`` and ``plain_attributes``.
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

    @cached_property
    def plain_title(self) -> str:
        return plain_line(self.title, FIELD)

    @cached_property
    def plain_description(self) -> str:
        return plain_line(self.description)

    @cached_property
    def plain_attributes(self) -> Mapping[str, str]:
        return {name: plain_line(value, FIELD) for name, value in self.attributes.items()}

    @property
    def delayed(self) -> str:
        """Return why a photo could not be read for now, after encoders have tried."""
        return next(filter(None, (image.delayed for image in self.images)), "")

    def matches(self, fingerprint: str | None) -> bool | None:
        """Return True if data stored under ``fingerprint`` belongs to this content.

        None if that is unknown now, because a photo is temporarily unavailable.
        """
        return None if self.delayed else fingerprint == self.fingerprint

    @property
    def is_blank(self) -> bool:
        """Return True if the product has no content that an encoder could read."""
        read = (self.title, self.description, self.attributes, self.images)
        return self.price is None and not any(read)

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 (64 hex digits) of all content that encoders read, or ``UNSETTLED``.

        Price and stock are left out on purpose, because a sale must not re-embed the shop.
        """
        if self.delayed:
            return UNSETTLED
        read = [
            self.title,
            self.description,
            sorted(self.attributes.items()),
            [(image.name, image.etag) for image in self.images],
            self.group,
        ]
        text = json.dumps(read, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
