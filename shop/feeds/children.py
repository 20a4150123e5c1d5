"""Variants that name the row of their product, as WooCommerce writes them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from shop.feeds import values
from shop.feeds.cells import first_cell, fitting, length_of
from shop.feeds.mapping import ColumnMapping, Parents
from shop.feeds.product import FeedProduct, Refusal, RowRefused
from shop.feeds.reader import read_row, sku_of
from shop.feeds.survey import Survey, is_not_sold
from shop.feeds.table import Row
from shop.models import Product
from similarity import plain_line


def read_children(
    rows: Iterable[Row], mapping: ColumnMapping, found: Survey
) -> Iterator[FeedProduct | Refusal]:
    """Yield the products that are sold, each variant with its parent's values."""
    parents = mapping.parents
    if parents is None:
        raise ValueError(f"the mapping {mapping.name!r} knows no parents")
    for row in rows:
        if is_not_sold(row, mapping):
            continue
        try:
            yield _read(row, mapping, parents, found)
        except RowRefused as refused:
            yield Refusal(row.line, sku_of(row, mapping), str(refused))


def _read(row: Row, mapping: ColumnMapping, parents: Parents, found: Survey) -> FeedProduct:
    name = values.identity(first_cell(row, parents.parent))
    parent = found.parents.get(name) if name else None
    if name and parent is None:
        raise RowRefused(f"its parent {name!r} is not in the file")
    whole = _inherit(row, parent, mapping, parents) if parent else row
    product = read_row(whole, mapping)
    own = _options(row, parent or row, parents, mapping)
    of_parent = _options(parent, parent, parents, mapping) if parent else {}
    attributes = {**of_parent, **own, **(product.attributes or {})}
    changes: dict = {"attributes": attributes, "is_draft": _is_draft(row, parent, parents)}
    if parent:
        title = plain_line(first_cell(parent, mapping.columns["title"]))
        if own:
            title = f"{title} – {' / '.join(own.values())}"
        changes["title"] = fitting(title, length_of(Product, "name"), "title")
        name = sku_of(parent, mapping)
        changes["group"] = fitting(name, length_of(Product, "group"), "parent")
    return replace(product, **changes)


def _inherit(row: Row, parent: Row, mapping: ColumnMapping, parents: Parents) -> Row:
    """Return ``row`` with empty cells, and a draft status, taken from its parent."""
    cells = {
        key: cell if cell.strip() or key in parents.own else parent.cells.get(key, "")
        for key, cell in row.cells.items()
    }
    for key in mapping.columns.get("active", ()):
        if values.NO.fullmatch(parent.cells.get(key, "").strip().casefold()):
            cells[key] = parent.cells[key]
    return Row(row.line, cells, row.problem)


def _options(row: Row, parent: Row, parents: Parents, mapping: ColumnMapping) -> Mapping[str, str]:
    """Return attribute → value; only the parent's row may have the names."""
    options = {}
    for name_column, value_column in parents.options:
        name = plain_line(row.cells.get(name_column, "") or parent.cells.get(name_column, ""))
        name = name.casefold()
        value = plain_line(", ".join(_values(row.cells.get(value_column, ""), mapping)))
        if name and value:
            options[parents.rename.get(name, name)] = value
    return options


def _values(cell: str, mapping: ColumnMapping) -> Sequence[str]:
    escape = mapping.separators.escape
    return [cell.replace(f"{escape},", ",")] if escape else [cell]


def _is_draft(row: Row, parent: Row | None, parents: Parents) -> bool:
    return any(
        first_cell(one, parents.draft).strip() in parents.drafts for one in (row, parent) if one
    )
