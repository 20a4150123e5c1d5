"""What a catalogue file says of one product, whatever its columns were called."""

from dataclasses import dataclass
from decimal import Decimal


class FeedError(Exception):
    """The file or its mapping cannot be used; the message says what to do."""


class RowRefused(Exception):
    """One row cannot become a product; the message is the reason shown in the report."""


@dataclass(frozen=True)
class Refusal:
    """A row that was not imported, or one of its images."""

    line: int
    sku: str
    reason: str
    kind: str = "row"  # "row" or "image"


@dataclass(frozen=True)
class FeedImage:
    """A photo as the file names it: a path below the images folder, or an address."""

    ref: str
    alt: str = ""


@dataclass(frozen=True)
class FeedProduct:
    """One product of the file.

    None stands for what the file does not say: a new product then gets the default, a
    product of the shop keeps what it has. ``orderable`` is a bare yes or no, for files
    that give no number in stock; ``price_if_new`` is for formats without prices.
    """

    line: int
    sku: str
    title: str
    category: tuple[str, ...]  # from the root
    description: str | None = None
    brand: str | None = None  # "" where it has none
    price: Decimal | None = None
    price_if_new: Decimal | None = None
    currency: str = ""
    stock: int | None = None
    orderable: bool | None = None
    active: bool | None = None
    attributes: dict[str, str] | None = None
    group: str | None = None
    images: tuple[FeedImage, ...] | None = None
