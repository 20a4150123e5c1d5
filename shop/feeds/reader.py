"""Rows into products, as a mapping says."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from shop.feeds import values
from shop.feeds.mapping import ColumnMapping
from shop.feeds.money import Price, parse_price
from shop.feeds.product import CellUnread, FeedImage, FeedProduct, Refusal, RowRefused
from shop.feeds.references import split_references
from shop.feeds.table import Row
from shop.feeds.values import Availability
from shop.models import Brand, Category, Product
from similarity.catalog.plaintext import plain_line, plain_text

MAX_DESCRIPTION = 50_000
MAX_ATTRIBUTE = 2_000
MAX_CODE = 100
MAX_ALT = 250
OTHER = "Other"

Result = TypeVar("Result")


def read_rows(rows: Iterable[Row], mapping: ColumnMapping) -> Iterator[FeedProduct | Refusal]:
    """One product, or the reason there is none, for every row."""
    for row in rows:
        try:
            yield read_row(row, mapping)
        except RowRefused as refused:
            yield Refusal(row.line, sku_of(row, mapping), str(refused))


def sku_of(row: Row, mapping: ColumnMapping) -> str:
    return values.identity(first_cell(row, mapping.columns["sku"]))


def read_row(row: Row, mapping: ColumnMapping) -> FeedProduct:
    """The product of one row.

    A cell that a product can do without and that cannot be read is left out and told among the
    remarks. Raises :class:`RowRefused` with the reason the row cannot be a product.
    """
    if row.problem:
        raise RowRefused(row.problem)
    return _RowReader(row, mapping).product()


def made_up_price(category: Sequence[str], sku: str) -> Decimal:
    """A price for catalogues without one: 12.90 to 119.90, alike within a category.

    The same category and SKU give the same price always. It says nothing of the product.
    """
    base = int.from_bytes(hashlib.sha256(" > ".join(category).encode()).digest()[:4]) % 85 + 15
    part = int.from_bytes(hashlib.sha256(sku.encode()).digest()[:4]) % 41 - 20
    return Decimal(base + base * part // 100) + Decimal("0.90")


def first_cell(row: Row, columns: Iterable[str]) -> str:
    """The first cell of ``columns`` that is not blank."""
    return next((cell for key in columns if (cell := row.cells.get(key, "")).strip()), "")


def length_of(model: type, field: str) -> int:
    return model._meta.get_field(field).max_length


def fitting(text: str, length: int, what: str, error: type[Exception] = RowRefused) -> str:
    if len(text) > length:
        raise error(f"{what} has {len(text)} characters; {length} is the most it may have")
    return text


class _RowReader:
    """Reads one row, and notes what of it was left out."""

    def __init__(self, row: Row, mapping: ColumnMapping) -> None:
        self.row = row
        self.mapping = mapping
        self.separators = mapping.separators
        self.remarks: list[str] = []
        self._is_unclear = False  # whether it can be ordered

    def product(self) -> FeedProduct:
        price = self._price()
        category = self._category()
        sku = self._sku()
        stock, orderable = self._stock()
        return FeedProduct(
            line=self.row.line,
            sku=sku,
            title=self._title(),
            description=self._description(),
            category=category,
            brand=self._brand(),
            price=price.amount if price else None,
            price_if_new=made_up_price(category, sku)
            if "price_from" in self.mapping.defaults
            else None,
            currency=(price.currency if price else "") or self._currency(),
            stock=stock,
            orderable=orderable,
            stock_if_new=0 if stock is None and orderable is None and self._is_unclear else None,
            active=self._active(),
            attributes=self._attributes(),
            group=self._group(),
            codes=self._codes(),
            images=self._images(),
            remarks=tuple(self.remarks),
        )

    def _optional(self, read: Callable[..., Result], *arguments: Any) -> Result | None:
        """What ``read`` gives, or None with a remark where it cannot."""
        try:
            return read(*arguments)
        except (CellUnread, RowRefused) as error:
            self.remarks.append(str(error))
            return None

    def _said(self, field: str) -> str | None:
        """The first cell of the field's columns that is not blank; None without such a column."""
        if field not in self.mapping.columns:
            return None
        return first_cell(self.row, self.mapping.columns[field])

    def _split(self, text: str, separator: str) -> list[str]:
        """The values in one cell. A comma between two digits is a decimal comma."""
        escape = self.separators.escape
        if not separator:
            parts = [text]
        else:
            mark = re.escape(separator)
            before = f"(?<!{re.escape(escape)})" if escape else ""
            if separator == ",":
                mark = r"(?:,(?!\d)|(?<!\d),)"
            parts = re.split(before + mark, text)
        return [part for text in parts if (part := self._unescaped(text).strip())]

    def _unescaped(self, text: str) -> str:
        escape = self.separators.escape
        if not escape or escape not in text:
            return text
        return text.replace(f"{escape}n", "\n").replace(f"{escape},", ",")

    def _sku(self) -> str:
        sku = sku_of(self.row, self.mapping)
        if not sku:
            raise RowRefused("has no SKU")
        if not sku.isprintable():
            raise RowRefused(f"SKU {sku!r} holds a control character")
        if values.is_spoilt(sku):
            self.remarks.append(
                f"SKU {sku!r} looks like a long number that a spreadsheet rounded; "
                "export it as text"
            )
        return fitting(sku, length_of(Product, "sku"), "SKU")

    def _title(self) -> str:
        title = plain_line(first_cell(self.row, self.mapping.columns["title"]))
        if not title:
            raise RowRefused("has no title")
        return fitting(title, length_of(Product, "name"), "title")

    def _description(self) -> str | None:
        text = self._said("description")
        if text is None:
            return None
        plain = plain_text(self._unescaped(text), MAX_DESCRIPTION + 1)
        return self._optional(fitting, plain, MAX_DESCRIPTION, "description")

    def _brand(self) -> str | None:
        name = self._named("brand", length_of(Brand, "name"))
        return "" if name and values.NO_BRAND.fullmatch(name) else name

    def _group(self) -> str | None:
        return self._named("group", length_of(Product, "group"))

    def _named(self, field: str, length: int) -> str | None:
        text = self._said(field)
        if text is None:
            return None
        name = plain_line(text)
        return "" if values.is_none(name) else self._optional(fitting, name, length, field)

    def _price(self) -> Price | None:
        """The price to pay: that of the sale while it runs. A sale for nothing is none."""
        price = self._money("price")
        sale = self._optional(self._money, "sale_price")
        if sale is None or not sale.amount:
            return price
        if price and sale.currency and price.currency and sale.currency != price.currency:
            self.remarks.append(f"the sale price is in {sale.currency}, the price is not")
        elif price and price.amount and sale.amount > price.amount:
            self.remarks.append(f"the sale price {sale.amount} is above the price {price.amount}")
        elif self._optional(self._sale_runs):
            return Price(sale.amount, sale.currency or (price.currency if price else ""))
        return price

    def _money(self, field: str) -> Price | None:
        text = self._said(field) or ""
        if values.is_none(text):
            return None
        return parse_price(text, self.mapping.defaults.get("decimal_point", ""), self._currency())

    def _sale_runs(self) -> bool:
        start, end = values.parse_interval(self._said("sale_dates") or "")
        start, end = start or self._said("sale_from") or "", end or self._said("sale_to") or ""
        return values.runs_now(start, end)

    def _currency(self) -> str:
        named = (self._said("currency") or "").strip().upper()
        if named and not re.fullmatch("[A-Z]{3}", named):
            raise RowRefused(f"currency {named!r} is not a code such as EUR")
        return named or self.mapping.defaults.get("currency", "")

    def _category(self) -> tuple[str, ...]:
        path = tuple(
            level
            for key in self.mapping.columns.get("category_levels", ())
            for level in self._split(self.row.cells.get(key, ""), self.separators.values)
            if not values.is_none(level)
        )
        for key in self.mapping.columns.get("category", ()):
            for text in self._split(self.row.cells.get(key, ""), self.separators.paths):
                path = path or values.parse_path(plain_line(text), self.separators.category)
        path = path or (self.mapping.defaults.get("category", OTHER),)
        length = length_of(Category, "name")
        names = tuple(fitting(plain_line(name), length, "category") for name in path)
        fitting(" > ".join(names), length_of(Category, "path"), "category path")
        return names

    def _stock(self) -> tuple[int | None, bool | None]:
        """How many there are, and whether it can be ordered where that is not the number's matter.

        The number of a product whose stock is not tracked, or that may be sold beyond it, or
        that can be ordered ahead, does not make it sold out.
        """
        text = self._said("availability") or ""
        said = self._optional(values.parse_availability, text)
        self._is_unclear = said is None and bool(text.strip())
        stock = self._number()
        if isinstance(stock, Availability):
            said, stock = said or stock, None
        if said is Availability.OUT:
            return stock if stock is None else 0, False
        beyond = said is Availability.AHEAD or self._may_be_oversold()
        if not self._is_tracked() or (beyond and not stock):
            return None, True
        return stock, None if said is None else True

    def _number(self) -> int | Availability | None:
        text = self._said("stock") or ""
        stock = self._optional(values.parse_stock, text)
        if isinstance(stock, int) and stock > 999 and re.search(r"\d[.,]\d{3}\b", text):
            self.remarks.append(f"stock {text!r} was read as {stock}")
        return stock

    def _is_tracked(self) -> bool:
        """False where the file has a column for it and the cell is empty or says no."""
        said = self._said("stock_tracked")
        return said is None or not (said.strip() == "" or values.NO.fullmatch(said.strip().lower()))

    def _may_be_oversold(self) -> bool:
        said = (self._said("oversell") or "").strip().casefold()
        return said in ("continue", "notify", "2") or bool(values.YES.fullmatch(said))

    def _active(self) -> bool | None:
        """No where any of the columns says no; None where all are empty."""
        flags = [
            self._optional(values.parse_flag, self.row.cells.get(key, ""), key)
            for key in self.mapping.columns.get("active", ())
        ]
        said = [flag for flag in flags if flag is not None]
        return all(said) if said else None

    def _attributes(self) -> dict[str, str] | None:
        mapping = self.mapping
        if not (mapping.attributes or mapping.pairs or mapping.grouped or mapping.parents):
            return None
        cells = {name: first_cell(self.row, keys) for name, keys in mapping.attributes.items()}
        attributes = self._pairs() | {n: cell for n, cell in cells.items() if cell.strip()}
        found = {}
        for name, text in attributes.items():
            parts = [plain_line(part) for part in self._split(text, self.separators.values)]
            value = ", ".join(part for part in parts if not values.is_none(part))
            value = self._optional(fitting, value, MAX_ATTRIBUTE, f"attribute {name!r}") or ""
            if value:
                found[name] = value
        return found

    def _pairs(self) -> dict[str, str]:
        pairs = self.mapping.pairs
        if pairs is None:
            return {}
        found: dict[str, str] = {}
        for pair in self._split(self.row.cells.get(pairs.column, ""), pairs.between):
            name, assigned, value = pair.partition(pairs.assign)
            name = plain_line(name)
            # A part without a name, or with a list where its name should be, says nothing.
            if assigned and name and name not in pairs.skip and "|" not in name:
                name = pairs.rename.get(name, name)
                value = _without_position(value) if pairs.assign == ":" else value
                if pairs.values and pairs.values != pairs.between:
                    value = ", ".join(value.split(pairs.values))
                found[name] = f"{found[name]}, {value}" if name in found else value
        return found

    def _codes(self) -> tuple[str, ...] | None:
        if "codes" not in self.mapping.columns:
            return None
        codes = []
        for key in self.mapping.columns["codes"]:
            code = values.identity(plain_line(self.row.cells.get(key, "")))
            if values.is_spoilt(code):
                self.remarks.append(f"{key} {code!r} was rounded by a spreadsheet")
            elif code.strip("0") and not values.is_none(code):
                codes.append(self._optional(fitting, code, MAX_CODE, key) or "")
        return tuple(dict.fromkeys(filter(None, codes)))

    def _images(self) -> tuple[FeedImage, ...] | None:
        if "images" not in self.mapping.columns:
            return None
        alt = plain_line(self._said("image_alt") or "")[:MAX_ALT]
        refs = [
            ref
            for key in self.mapping.columns["images"]
            for ref in split_references(self.row.cells.get(key, ""), self.separators.values)
        ]
        return tuple(FeedImage(ref, alt) for ref in dict.fromkeys(refs))


def _without_position(value: str) -> str:
    """``Red`` of ``Red:2``: PrestaShop writes where the value stands in its list."""
    return re.sub(r"(?<=[^\W\d]):\d{1,3}(?::[01])?$", "", value.strip())
