"""What a catalogue file says of one product, whatever its columns were called."""

from dataclasses import dataclass
from decimal import Decimal


class FeedError(Exception):
    """The file or its mapping cannot be used; the message says what to do."""


class RowRefused(Exception):
    """One row cannot become a product; the message is the reason shown in the report."""


class CellUnread(Exception):
    """One cell that a product can do without cannot be read; the message is reported."""


@dataclass(frozen=True)
class Refusal:
    """What was not imported: a row, one of its cells, or one of its images."""

    line: int
    sku: str
    reason: str
    kind: str = "row"  # "row", "cell" or "image"


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
    stock_if_new: int | None = None  # where the file says something that cannot be read
    active: bool | None = None
    attributes: dict[str, str] | None = None
    group: str | None = None
    codes: tuple[str, ...] | None = None  # GTIN, part number and the like
    images: tuple[FeedImage, ...] | None = None
    #: What the row is known by in its file, where that is not the SKU.
    feed_key: str = ""
    #: The file has no SKU of its own for it.
    sku_is_made_up: bool = False
    #: A draft takes a product off sale but never makes one.
    is_draft: bool = False
    #: What was left out or assumed, for the report.
    remarks: tuple[str, ...] = ()
