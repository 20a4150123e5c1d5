"""Variants of a product from several rows, as Shopify writes them."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from shop.feeds import values
from shop.feeds.cells import first_cell, fitting, length_of
from shop.feeds.details import MAX_ALT
from shop.feeds.mapping import ColumnMapping, Grouped
from shop.feeds.product import FeedImage, FeedProduct, Refusal, RowRefused
from shop.feeds.reader import NO_COLUMN, read_row, sku_of
from shop.feeds.survey import Survey
from shop.feeds.table import Row
from shop.models import Product
from similarity import plain_line

MAX_ROWS = 5_000  # of a product, which is held in memory
NO_OPTION = "default title"


def read_groups(
    rows: Iterable[Row], mapping: ColumnMapping, found: Survey
) -> Iterator[FeedProduct | Refusal]:
    """Yield the products of the variants, or the reason for refusing them, group by group.

    A variant is identified by its handle and its options. Its SKU becomes a code, and also the
    product's SKU if no other row has it.
    """
    grouped = mapping.grouped
    if grouped is None:
        raise ValueError(f"the mapping {mapping.name!r} does not group rows")
    waiting: dict[str, list[Row]] = {}
    for handle, group in groupby(rows, key=lambda row: first_cell(row, grouped.by).strip()):
        together: list[Row] = waiting.pop(handle, [])
        for row in group:
            reason = row.problem or ("" if handle else "has no handle")
            if len(together) >= MAX_ROWS:
                reason = f"is beyond the {MAX_ROWS} rows one product may have"
            if reason:
                yield Refusal(row.line, sku_of(row, mapping), reason)
            else:
                together.append(row)
        if together and together[-1].line < found.last_line.get(handle, 0):
            waiting[handle] = together
        elif together:
            yield from _Group(handle, together, mapping, grouped, found).products()
    for handle, together in waiting.items():  # the last row of these was refused
        yield from _Group(handle, together, mapping, grouped, found).products()


@dataclass
class _Group:
    """The rows of a product."""

    handle: str
    rows: list[Row]
    mapping: ColumnMapping
    grouped: Grouped
    found: Survey

    def products(self) -> Iterator[FeedProduct | Refusal]:
        variants = [row for row in self.rows if first_cell(row, self.grouped.variant)]
        variants = variants or self.rows[:1]
        photos = self._photos()
        for number, row in enumerate(variants):
            options = self._options(row)
            key = self._key(options, number)
            whole = self._whole(row, "-".join("-".join(key).split()))
            try:
                product = read_row(whole, self.mapping)
                yield self._variant(product, whole, options, photos, key, len(variants) > 1)
            except RowRefused as refused:
                yield Refusal(row.line, sku_of(whole, self.mapping), str(refused))

    def _whole(self, row: Row, derived: str) -> Row:
        """Return ``row`` with missing cells from its product's first row, and its own SKU."""
        first = self.rows[0]
        cells = {
            key: cell if cell.strip() or key in self.grouped.own else first.cells.get(key, "")
            for key, cell in row.cells.items()
        }
        sku = sku_of(row, self.mapping)
        if not sku or sku in self.found.repeated:
            column = self.mapping.columns.get("sku", NO_COLUMN)[0]
            cells[column] = _short(derived, length_of(Product, "sku"))
        return Row(row.line, cells)

    def _options(self, row: Row) -> dict[str, str]:
        """Return option name → value; only the first row has the names."""
        first = self.rows[0]
        options = {}
        for name_column, value_column in self.grouped.options:
            name = plain_line(row.cells.get(name_column, "") or first.cells.get(name_column, ""))
            value = plain_line(values.identity(row.cells.get(value_column, "")))
            if name and value and value.casefold() != NO_OPTION:
                options[name.casefold()] = value
        return options

    def _key(self, options: dict[str, str], number: int) -> list[str]:
        if options or not number:
            return [self.handle, *options.values()]
        return [self.handle, str(number + 1)]

    def _photos(self) -> list[FeedImage]:
        """Return the product's photos by their position, then by row."""
        found: list[tuple[int, FeedImage]] = []
        for row in self.rows:
            ref = first_cell(row, self.mapping.columns.get("images", ())).strip()
            position = first_cell(row, self.grouped.image_position).strip()
            if ref:
                alt = first_cell(row, self.mapping.columns.get("image_alt", ()))
                place = int(position) if position.isdecimal() else len(self.rows)
                found.append((place, FeedImage(ref, plain_line(alt)[:MAX_ALT])))
        return [image for _, image in sorted(found, key=lambda pair: pair[0])]

    def _variant(
        self,
        product: FeedProduct,
        row: Row,
        options: dict[str, str],
        photos: list[FeedImage],
        key: list[str],
        is_one_of_many: bool,
    ) -> FeedProduct:
        own = first_cell(row, self.grouped.variant_images).strip()
        images = [*([FeedImage(own)] if own else []), *photos]
        alts = {photo.ref: photo.alt for photo in photos}
        refs = dict.fromkeys(image.ref for image in images)
        named = {self.grouped.rename.get(name, name): value for name, value in options.items()}
        group = fitting(plain_line(self.handle), length_of(Product, "group"), "handle")
        title = product.title
        if is_one_of_many and options:
            title = f"{title} – {' / '.join(options.values())}"
        return replace(
            product,
            title=fitting(title, length_of(Product, "name"), "title"),
            group=group if is_one_of_many else "",
            attributes={**(product.attributes or {}), **named},
            codes=self._codes(product, row),
            images=tuple(FeedImage(ref, alts.get(ref, "")) for ref in refs),
            remarks=(*product.remarks, *self._remarks(product, row)),
            sku_is_made_up=product.sku != self._sku_in_file(row),
            feed_key=_short("\n".join(key), length_of(Product, "feed_key")),
        )

    def _codes(self, product: FeedProduct, row: Row) -> tuple[str, ...] | None:
        """Return the codes, plus the SKU if it repeats and is not the product's own."""
        sku = self._sku_in_file(row)
        if not sku or sku == product.sku or values.is_spoilt(sku):
            return product.codes
        return (sku, *(code for code in product.codes or () if code != sku))

    def _remarks(self, product: FeedProduct, row: Row) -> list[str]:
        sku = self._sku_in_file(row)
        is_lost = sku != product.sku and values.is_spoilt(sku)
        return [f"SKU {sku!r} was rounded by a spreadsheet; export it as text"] if is_lost else []

    def _sku_in_file(self, row: Row) -> str:
        return next(sku_of(one, self.mapping) for one in self.rows if one.line == row.line)


def _short(text: str, length: int) -> str:
    """Return ``text``; if it is too long, replace its end by a hash."""
    if len(text) <= length:
        return text
    return f"{text[: length - 13]}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
