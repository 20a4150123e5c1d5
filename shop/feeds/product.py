"""The content of a product in a catalogue file, independent of its columns."""

from dataclasses import dataclass
from decimal import Decimal


class FeedError(Exception):
    """The file or its mapping cannot be used; the message names the remedy."""


class RowRefused(Exception):
    """A row cannot become a product; the message is the reason in the report."""


class CellUnread(Exception):
    """A cell of an optional field cannot be read; the message is reported."""


@dataclass(frozen=True)
class Refusal:
    """An omitted part of the file: a row, a cell, or an image."""

    line: int
    sku: str
    reason: str
    kind: str = "row"  # "row", "cell" or "image"


@dataclass(frozen=True)
class FeedImage:
    """A photo's reference in the file: a path below the images folder, or an address."""

    ref: str
    alt: str = ""


@dataclass(frozen=True)
class FeedProduct:
    """A product of the file.

    None means that the file has no value: a new product then gets the default, an existing
    product keeps its value. ``orderable`` is a bare yes or no, for files without a number in
    stock; ``price_if_new`` is for formats without prices.
    """

    line: int
    sku: str
    title: str
    category: tuple[str, ...]  # from the root
    description: str | None = None
    brand: str | None = None  # "" without a brand
    price: Decimal | None = None
    price_if_new: Decimal | None = None
    currency: str = ""
    stock: int | None = None
    orderable: bool | None = None
    stock_if_new: int | None = None  # if the file has an unreadable value
    active: bool | None = None
    attributes: dict[str, str] | None = None
    group: str | None = None
    codes: tuple[str, ...] | None = None  # GTIN, part number and other codes
    images: tuple[FeedImage, ...] | None = None
    #: The row's key in its file, if that is not the SKU.
    feed_key: str = ""
    #: True if the file has no SKU for the product.
    sku_is_made_up: bool = False
    #: A draft takes a product off sale but never creates one.
    is_draft: bool = False
    #: Omissions and assumptions, for the report.
    remarks: tuple[str, ...] = ()
