"""Several consecutive rows into the variants of one product, as Shopify writes them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from shop.feeds.mapping import ColumnMapping, Grouped
from shop.feeds.product import FeedImage, FeedProduct, Refusal, RowRefused
from shop.feeds.reader import MAX_ALT, fitting, length_of, read_row, sku_of
from shop.feeds.table import Row
from shop.models import Product
from similarity.catalog.plaintext import plain_line

MAX_ROWS = 5_000  # of one product: it is held in memory
NO_OPTION = "default title"


def read_groups(rows: Iterable[Row], mapping: ColumnMapping) -> Iterator[FeedProduct | Refusal]:
    """The products of the variants, or the reason there is none, group by group."""
    grouped = mapping.grouped
    if grouped is None:
        raise ValueError(f"the mapping {mapping.name!r} does not group rows")
    for handle, group in groupby(rows, key=lambda row: _cell(row, grouped.by)):
        yield from _read_group(handle, group, mapping, grouped)


def _read_group(
    handle: str, group: Iterator[Row], mapping: ColumnMapping, grouped: Grouped
) -> Iterator[FeedProduct | Refusal]:
    rows: list[Row] = []
    for row in group:
        reason = row.problem or ("" if handle else "has no handle")
        if len(rows) >= MAX_ROWS:
            reason = f"is beyond the {MAX_ROWS} rows one product may have"
        if reason:
            yield Refusal(row.line, sku_of(row, mapping), reason)
        else:
            rows.append(row)
    if not rows:
        return
    variants = [row for row in rows if _cell(row, grouped.variant)] or rows[:1]
    photos = _photos(rows, mapping, grouped)
    for number, row in enumerate(variants):
        whole = _inherit(row, rows[0], grouped)
        options = _options(row, rows[0], grouped)
        whole.cells.update(_missing_sku(handle, options, number, whole, mapping))
        try:
            product = read_row(whole, mapping)
            yield _variant(product, whole, handle, options, photos, len(variants) > 1, mapping)
        except RowRefused as refused:
            yield Refusal(row.line, sku_of(whole, mapping), str(refused))


def _cell(row: Row, columns: Iterable[str]) -> str:
    return next((cell for key in columns if (cell := row.cells.get(key, "").strip())), "")


def _inherit(row: Row, first: Row, grouped: Grouped) -> Row:
    """``row`` with its empty cells read from the group's first row."""
    cells = {
        key: cell if cell.strip() or key in grouped.own else first.cells.get(key, "")
        for key, cell in row.cells.items()
    }
    return Row(row.line, cells)


def _options(row: Row, first: Row, grouped: Grouped) -> dict[str, str]:
    """Option name → value; the names stand in the first row alone."""
    options = {}
    for name_column, value_column in grouped.options:
        name = plain_line(row.cells.get(name_column, "") or first.cells.get(name_column, ""))
        value = plain_line(row.cells.get(value_column, ""))
        if name and value and value.casefold() != NO_OPTION:
            options[name.casefold()] = value
    return options


def _missing_sku(
    handle: str, options: dict[str, str], number: int, row: Row, mapping: ColumnMapping
) -> dict[str, str]:
    """A stable SKU for a variant without one: the handle and its options."""
    if sku_of(row, mapping):
        return {}
    parts = [handle, *options.values()] if options or not number else [handle, str(number + 1)]
    return {mapping.columns["sku"][0]: "-".join("-".join(parts).split())}


def _photos(rows: list[Row], mapping: ColumnMapping, grouped: Grouped) -> list[FeedImage]:
    """The product's photos by their position, then by row."""
    found: list[tuple[int, FeedImage]] = []
    for row in rows:
        ref = _cell(row, mapping.columns.get("images", ()))
        position = _cell(row, grouped.image_position)
        if ref:
            alt = plain_line(_cell(row, mapping.columns.get("image_alt", ())))[:MAX_ALT]
            place = int(position) if position.isdecimal() else len(rows)
            found.append((place, FeedImage(ref, alt)))
    return [image for _, image in sorted(found, key=lambda pair: pair[0])]


def _variant(
    product: FeedProduct,
    row: Row,
    handle: str,
    options: dict[str, str],
    photos: list[FeedImage],
    is_one_of_many: bool,
    mapping: ColumnMapping,
) -> FeedProduct:
    grouped = mapping.grouped
    rename = grouped.rename if grouped else {}
    own = _cell(row, grouped.variant_images if grouped else ())
    images = [*([FeedImage(own)] if own else []), *photos]
    alts = {photo.ref: photo.alt for photo in photos}
    refs = dict.fromkeys(image.ref for image in images)
    named = {rename.get(name, name): value for name, value in options.items()}
    group = fitting(plain_line(handle), length_of(Product, "group"), "handle")
    title = product.title
    if is_one_of_many and options:
        title = f"{title} – {' / '.join(options.values())}"
    return replace(
        product,
        title=fitting(title, length_of(Product, "name"), "title"),
        group=group if is_one_of_many else "",
        attributes={**(product.attributes or {}), **named},
        images=tuple(FeedImage(ref, alts.get(ref, "")) for ref in refs),
    )
