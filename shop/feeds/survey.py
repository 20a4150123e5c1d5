"""A first pass over a file, before any row is written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from shop.feeds.cells import first_cell
from shop.feeds.images import ImageFolder
from shop.feeds.mapping import ColumnMapping
from shop.feeds.reader import sku_of
from shop.feeds.references import split_references
from shop.feeds.table import Row


class Source(Protocol):
    """A file of rows: a table or an XML feed."""

    names: list[str]
    columns: list[str]
    notes: list[str]

    @property
    def position_bytes(self) -> int: ...

    def rows(self) -> Iterator[Row]: ...

    def close(self) -> None: ...


@dataclass
class Survey:
    """Facts about the whole file that are needed before its first row is read."""

    rows: int = 0
    left_out: int = 0
    #: Filled columns that are not read.
    unread: list[str] = field(default_factory=list)
    #: SKUs of more than one row of a grouped file.
    repeated: set[str] = field(default_factory=set)
    #: Handle → its last line, if the rows of a product are not adjacent.
    last_line: dict[str, int] = field(default_factory=dict)
    #: SKU and ``id:…`` → the row of a product with variants.
    parents: dict[str, Row] = field(default_factory=dict)


def survey(source: Source, mapping: ColumnMapping, images: ImageFolder) -> Survey:
    """Read the whole file once. Raise :class:`FeedError` if it is not a readable table."""
    found = Survey()
    names = dict(zip(source.columns, source.names, strict=True))
    unread = {column for column in source.columns if column and not mapping.reads(column)}
    filled: set[str] = set()
    groups = _Groups(mapping, found)
    for row in source.rows():
        if is_left_out(row, mapping):
            found.left_out += 1
            continue
        found.rows += 1
        now = {column for column in unread if row.cells.get(column, "").strip()}
        filled |= now
        unread -= now
        groups.add(row)
        _claim(row, mapping, images)
    found.unread = [names[column] for column in source.columns if column in filled]
    return found


def kept(rows: Iterable[Row], mapping: ColumnMapping) -> Iterator[Row]:
    """Yield the rows that the mapping does not leave out."""
    return (row for row in rows if not is_left_out(row, mapping))


def is_left_out(row: Row, mapping: ColumnMapping) -> bool:
    for column, values in mapping.leave_out.items():
        cell = row.cells.get(column, "").strip().casefold()
        if cell and ("*" in values or cell in values):
            return True
    return False


def _claim(row: Row, mapping: ColumnMapping, images: ImageFolder) -> None:
    columns = mapping.columns.get("images", ())
    if mapping.grouped:
        columns = (*columns, *mapping.grouped.variant_images)
    for column in columns:
        cell = row.cells.get(column, "")
        if cell:
            for ref in split_references(cell, mapping.separators.values):
                images.claim(ref)


class _Groups:
    """Record which rows belong together."""

    def __init__(self, mapping: ColumnMapping, found: Survey) -> None:
        self._mapping = mapping
        self._found = found
        self._skus: set[str] = set()
        self._handles: set[str] = set()
        self._last = ""

    def add(self, row: Row) -> None:
        mapping = self._mapping
        if mapping.grouped:
            handle = first_cell(row, mapping.grouped.by).strip()
            if (
                handle != self._last and handle in self._handles
            ) or handle in self._found.last_line:
                self._found.last_line[handle] = row.line
            self._handles.add(handle)
            self._last = handle
            sku = sku_of(row, mapping)
            if sku in self._skus:
                self._found.repeated.add(sku)
            elif sku:
                self._skus.add(sku)
        elif mapping.parents and is_not_sold(row, mapping):
            self._found.parents[sku_of(row, mapping)] = row
            identifier = first_cell(row, mapping.parents.id).strip()
            self._found.parents[f"id:{identifier}"] = row


def is_not_sold(row: Row, mapping: ColumnMapping) -> bool:
    """Return True if a row only represents its variants or a group of products."""
    if mapping.parents is None:
        return False
    kinds = {kind.strip().casefold() for kind in first_cell(row, mapping.parents.type).split(",")}
    return bool(kinds.intersection(mapping.parents.not_sold))
