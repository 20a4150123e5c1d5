"""Products from rows, by a mapping."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from shop.feeds import values
from shop.feeds.cells import Cells, first_cell, fitting, length_of
from shop.feeds.details import read_attributes, read_codes, read_images
from shop.feeds.mapping import ColumnMapping
from shop.feeds.offer import read_currency, read_price, read_stock
from shop.feeds.product import FeedProduct, Refusal, RowRefused
from shop.feeds.table import Row
from shop.models import Brand, Category, Product
from similarity import plain_line, plain_text

MAX_DESCRIPTION = 50_000
OTHER = "Other"
#: Column of generated SKUs in a grouped file without SKUs.
NO_COLUMN = ("sku",)


def read_rows(rows: Iterable[Row], mapping: ColumnMapping) -> Iterator[FeedProduct | Refusal]:
    """Yield a product, or the reason for refusing it, for every row."""
    for row in rows:
        try:
            yield read_row(row, mapping)
        except RowRefused as refused:
            yield Refusal(row.line, sku_of(row, mapping), str(refused))


def sku_of(row: Row, mapping: ColumnMapping) -> str:
    return values.identity(first_cell(row, mapping.columns.get("sku", NO_COLUMN)))


def read_row(row: Row, mapping: ColumnMapping) -> FeedProduct:
    """Return the product of a row.

    Leave out unreadable cells of optional fields and report them as remarks. Raise
    :class:`RowRefused` with the reason if the row cannot be a product.
    """
    if row.problem:
        raise RowRefused(row.problem)
    cells = Cells(row, mapping)
    price = read_price(cells)
    category = _category(cells)
    sku = _sku(cells)
    stock = read_stock(cells)
    made_up = made_up_price(category, sku) if "price_from" in mapping.defaults else None
    return FeedProduct(
        line=row.line,
        sku=sku,
        title=_title(cells),
        description=_description(cells),
        category=category,
        brand=_brand(cells),
        price=price.amount if price else None,
        price_if_new=made_up,
        currency=(price.currency if price else "") or read_currency(cells),
        stock=stock.number,
        orderable=stock.orderable,
        stock_if_new=stock.if_new,
        active=_active(cells),
        attributes=read_attributes(cells),
        group=_name(cells, "group", length_of(Product, "group")),
        codes=read_codes(cells),
        images=read_images(cells),
        remarks=tuple(cells.remarks),
    )


def made_up_price(category: Sequence[str], sku: str) -> Decimal:
    """Return a price for catalogues without prices: 12.90 to 119.90, similar within a category.

    The same category and SKU always give the same price. It is not related to the product.
    """
    base = int.from_bytes(hashlib.sha256(" > ".join(category).encode()).digest()[:4]) % 85 + 15
    part = int.from_bytes(hashlib.sha256(sku.encode()).digest()[:4]) % 41 - 20
    return Decimal(base + base * part // 100) + Decimal("0.90")


def _sku(cells: Cells) -> str:
    sku = sku_of(cells.row, cells.mapping)
    if not sku:
        raise RowRefused("has no SKU")
    if not sku.isprintable():
        raise RowRefused(f"SKU {sku!r} holds a control character")
    if values.is_spoilt(sku):
        cells.remarks.append(
            f"SKU {sku!r} looks like a long number that a spreadsheet rounded; export it as text"
        )
    return fitting(sku, length_of(Product, "sku"), "SKU")


def _title(cells: Cells) -> str:
    title = plain_line(first_cell(cells.row, cells.mapping.columns["title"]))
    if not title:
        raise RowRefused("has no title")
    return fitting(title, length_of(Product, "name"), "title")


def _description(cells: Cells) -> str | None:
    text = cells.said("description")
    if text is None:
        return None
    plain = plain_text(cells.unescaped(text), MAX_DESCRIPTION + 1)
    return cells.optional(fitting, plain, MAX_DESCRIPTION, "description")


def _brand(cells: Cells) -> str | None:
    name = _name(cells, "brand", length_of(Brand, "name"))
    return "" if name and values.NO_BRAND.fullmatch(name) else name


def _name(cells: Cells, field: str, length: int) -> str | None:
    text = cells.said(field)
    if text is None:
        return None
    name = plain_line(text)
    return "" if values.is_none(name) else cells.optional(fitting, name, length, field)


def _category(cells: Cells) -> tuple[str, ...]:
    separators = cells.separators
    path = tuple(
        level
        for _key, cell in cells.of("category_levels")
        for level in cells.split(cell, separators.values)
        if not values.is_none(level)
    )
    for _key, cell in cells.of("category"):
        for text in cells.split(cell, separators.paths):
            path = path or values.parse_path(plain_line(text), separators.category)
    path = path or (cells.mapping.defaults.get("category", OTHER),)
    length = length_of(Category, "name")
    names = tuple(fitting(plain_line(name), length, "category") for name in path)
    fitting(" > ".join(names), length_of(Category, "path"), "category path")
    return names


def _active(cells: Cells) -> bool | None:
    """Return False if any of the columns says no, None if all are empty."""
    flags = [cells.optional(values.parse_flag, cell, key) for key, cell in cells.of("active")]
    said = [flag for flag in flags if flag is not None]
    return all(said) if said else None
