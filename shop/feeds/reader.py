"""Rows into products, as a mapping says."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from shop.feeds import values
from shop.feeds.mapping import ColumnMapping
from shop.feeds.money import Price, parse_price
from shop.feeds.product import FeedImage, FeedProduct, Refusal, RowRefused
from shop.feeds.table import Row
from shop.models import Brand, Category, Product
from similarity.catalog.plaintext import plain_line, plain_text

MAX_DESCRIPTION = 50_000
MAX_ATTRIBUTE = 2_000
MAX_ALT = 250
OTHER = "Other"


def read_rows(rows: Iterable[Row], mapping: ColumnMapping) -> Iterator[FeedProduct | Refusal]:
    """One product, or the reason there is none, for every row."""
    for row in rows:
        try:
            yield read_row(row, mapping)
        except RowRefused as refused:
            yield Refusal(row.line, sku_of(row, mapping), str(refused))


def sku_of(row: Row, mapping: ColumnMapping) -> str:
    return _first(row, mapping.columns["sku"]).strip()


def read_row(row: Row, mapping: ColumnMapping) -> FeedProduct:
    """The product of one row. Raises :class:`RowRefused` with the reason it cannot be one."""
    if row.problem:
        raise RowRefused(row.problem)
    price = _price(row, mapping)
    category = _category(row, mapping)
    sku = _sku(row, mapping)
    return FeedProduct(
        line=row.line,
        sku=sku,
        title=_title(row, mapping),
        description=_description(row, mapping),
        category=category,
        brand=_name(row, mapping, "brand", length_of(Brand, "name")),
        price=price.amount if price else None,
        price_if_new=made_up_price(category, sku) if "price_from" in mapping.defaults else None,
        currency=_currency(row, mapping, price),
        stock=values.parse_stock(_said(row, mapping, "stock") or ""),
        orderable=values.parse_availability(_said(row, mapping, "availability") or ""),
        active=_active(row, mapping),
        attributes=_attributes(row, mapping),
        group=_name(row, mapping, "group", length_of(Product, "group")),
        images=_images(row, mapping),
    )


def made_up_price(category: Sequence[str], sku: str) -> Decimal:
    """A price for catalogues without one: 12.90 to 119.90, alike within a category.

    The same category and SKU give the same price always. It says nothing of the product.
    """
    base = int.from_bytes(hashlib.sha256(" > ".join(category).encode()).digest()[:4]) % 85 + 15
    part = int.from_bytes(hashlib.sha256(sku.encode()).digest()[:4]) % 41 - 20
    return Decimal(base + base * part // 100) + Decimal("0.90")


def _said(row: Row, mapping: ColumnMapping, field: str) -> str | None:
    """The first cell of the field's columns that is not blank; None without such a column."""
    if field not in mapping.columns:
        return None
    return _first(row, mapping.columns[field])


def _first(row: Row, columns: Iterable[str]) -> str:
    """The first cell of ``columns`` that is not blank."""
    return next((cell for key in columns if (cell := row.cells.get(key, "")).strip()), "")


def _split(text: str, separator: str) -> list[str]:
    parts = text.split(separator) if separator else [text]
    return [part.strip() for part in parts if part.strip()]


def length_of(model: type, field: str) -> int:
    return model._meta.get_field(field).max_length


def fitting(text: str, length: int, what: str) -> str:
    if len(text) > length:
        raise RowRefused(f"{what} has {len(text)} characters; {length} is the most it may have")
    return text


def _sku(row: Row, mapping: ColumnMapping) -> str:
    sku = sku_of(row, mapping)
    if not sku:
        raise RowRefused("has no SKU")
    if not sku.replace("\u00a0", " ").isprintable():
        raise RowRefused(f"SKU {sku!r} holds a control character")
    return fitting(sku, length_of(Product, "sku"), "SKU")


def _title(row: Row, mapping: ColumnMapping) -> str:
    title = plain_line(_first(row, mapping.columns["title"]))
    if not title:
        raise RowRefused("has no title")
    return fitting(title, length_of(Product, "name"), "title")


def _description(row: Row, mapping: ColumnMapping) -> str | None:
    text = _said(row, mapping, "description")
    if text is None:
        return None
    return fitting(plain_text(text, MAX_DESCRIPTION + 1), MAX_DESCRIPTION, "description")


def _name(row: Row, mapping: ColumnMapping, field: str, length: int) -> str | None:
    text = _said(row, mapping, field)
    return text if text is None else fitting(plain_line(text), length, field)


def _price(row: Row, mapping: ColumnMapping) -> Price | None:
    """The price to pay: that of the sale while it runs."""
    price = parse_price(_said(row, mapping, "price") or "")
    sale = parse_price(_said(row, mapping, "sale_price") or "")
    runs = values.runs_now(_said(row, mapping, "sale_dates") or "") if sale else False
    return sale if runs else price


def _currency(row: Row, mapping: ColumnMapping, price: Price | None) -> str:
    named = (_said(row, mapping, "currency") or "").strip().upper()
    currency = (price.currency if price else "") or named or mapping.defaults.get("currency", "")
    if currency and not re.fullmatch("[A-Z]{3}", currency):
        raise RowRefused(f"currency {currency!r} is not a code such as EUR")
    return currency


def _category(row: Row, mapping: ColumnMapping) -> tuple[str, ...]:
    separators = mapping.separators
    levels = [
        level
        for key in mapping.columns.get("category_levels", ())
        for level in _split(row.cells.get(key, ""), separators.values)
    ]
    path = tuple(levels)
    for key in mapping.columns.get("category", ()):
        for text in _split(row.cells.get(key, ""), separators.paths):
            path = path or values.parse_path(plain_line(text), separators.category)
    path = path or (mapping.defaults.get("category", OTHER),)
    names = tuple(fitting(plain_line(n), length_of(Category, "name"), "category") for n in path)
    fitting(" > ".join(names), length_of(Category, "path"), "category path")
    return names


def _active(row: Row, mapping: ColumnMapping) -> bool | None:
    """No where any of the columns says no; None where all are empty."""
    flags = [
        values.parse_flag(row.cells.get(key, ""), key) for key in mapping.columns.get("active", ())
    ]
    said = [flag for flag in flags if flag is not None]
    return all(said) if said else None


def _attributes(row: Row, mapping: ColumnMapping) -> dict[str, str] | None:
    if not (mapping.attributes or mapping.pairs or mapping.grouped):
        return None
    cells = {name: _first(row, keys) for name, keys in mapping.attributes.items()}
    attributes = _pairs(row, mapping) | {n: cell for n, cell in cells.items() if cell.strip()}
    found = {}
    for name, text in attributes.items():
        parts = [plain_line(part) for part in _split(text, mapping.separators.values)]
        value = ", ".join(part for part in parts if part)
        if value:
            found[name] = fitting(value, MAX_ATTRIBUTE, f"attribute {name!r}")
    return found


def _pairs(row: Row, mapping: ColumnMapping) -> dict[str, str]:
    pairs = mapping.pairs
    if pairs is None:
        return {}
    found: dict[str, str] = {}
    for pair in _split(row.cells.get(pairs.column, ""), pairs.between):
        name, assigned, value = pair.partition(pairs.assign)
        name = plain_line(name)
        # A part without a name, or with a list where its name should be, says nothing.
        if assigned and name and name not in pairs.skip and "|" not in name:
            name = pairs.rename.get(name, name)
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _images(row: Row, mapping: ColumnMapping) -> tuple[FeedImage, ...] | None:
    if "images" not in mapping.columns:
        return None
    alt = plain_line(_said(row, mapping, "image_alt") or "")[:MAX_ALT]
    refs = [
        ref
        for key in mapping.columns["images"]
        for ref in _split(row.cells.get(key, ""), mapping.separators.values)
    ]
    return tuple(FeedImage(ref, alt) for ref in dict.fromkeys(refs))
