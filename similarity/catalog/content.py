"""What the encoders read of a product: plain values, no Django and no torch."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from similarity.catalog.photos import PhotoReader
from similarity.catalog.plaintext import plain_line

#: The fingerprint that stands beside vectors of content that was not known whole. No content has
#: it, so that the product stays outdated until all of it can be read.
UNSETTLED = "unsettled"

#: Between the levels of a category path; a filter by a level holds for those below it.
LEVEL = " > "


@dataclass(frozen=True)
class ImageRef:
    """One product photo, named but not yet read.

    ``read(limit)`` returns the file's first ``limit + 1`` bytes at most, so that a
    caller can tell a file over its limit without loading it. It may raise the storage's own
    errors: :func:`similarity.catalog.photos.is_absent` decides whether an error means that
    there is no such photo, or that it cannot be had for the moment. Several photos are read at
    once, by threads that hold no transaction of the caller's. ``etag`` changes whenever the
    file behind the same name does (for example size and modification time). ``unknown`` says why
    the etag cannot be had for the moment, and is empty otherwise.
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
        """Why the photo, or whether it changed, is not known for the moment; empty otherwise."""
        return self.unknown or str(getattr(self.read, "delayed", ""))


#: Characters of a title or an attribute's value that are read.
FIELD = 1000


@dataclass(frozen=True)
class ProductContent:
    """One product as the encoders see it.

    ``key`` is the product's primary key as text. ``attributes`` maps an attribute's
    name (``brand``, ``category``, ``colour`` …) to its value; a category path is
    written from the root with `` > `` between its levels. ``group`` is shared by the
    variants of one product, empty for a product without variants. ``codes`` (SKU, EAN, part
    number) are for search alone: no encoder reads them.

    The fields hold what the host stores, which may be HTML. Encoders and search read
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
        """Why a photo could not be read for the moment, once encoders have tried."""
        return next(filter(None, (image.delayed for image in self.images)), "")

    def matches(self, fingerprint: str | None) -> bool | None:
        """Whether what is stored under ``fingerprint`` is of this content.

        None where that is not known now, because a photo cannot be had for the moment.
        """
        return None if self.delayed else fingerprint == self.fingerprint

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing of it that any encoder could read."""
        read = (self.title, self.description, self.attributes, self.images)
        return self.price is None and not any(read)

    @property
    def fingerprint(self) -> str:
        """SHA-256 (64 hex digits) of everything the encoders read, as stored, or ``UNSETTLED``.

        Price and stock are left out on purpose: a sale must not re-embed the shop.
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
