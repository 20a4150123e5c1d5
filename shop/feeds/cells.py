"""The cells of a row, as a mapping names them, and remarks on unreadable cells."""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from shop.feeds.mapping import ColumnMapping
from shop.feeds.product import CellUnread, RowRefused
from shop.feeds.table import Row

Result = TypeVar("Result")


def first_cell(row: Row, columns: Iterable[str]) -> str:
    """Return the first cell of ``columns`` that is not blank."""
    return next((cell for key in columns if (cell := row.cells.get(key, "")).strip()), "")


def length_of(model: type, field: str) -> int:
    return model._meta.get_field(field).max_length


def fitting(text: str, length: int, what: str) -> str:
    if len(text) > length:
        raise RowRefused(f"{what} has {len(text)} characters; {length} is the most it may have")
    return text


class Cells:
    """The content of a row, field by field."""

    def __init__(self, row: Row, mapping: ColumnMapping) -> None:
        self.row = row
        self.mapping = mapping
        self.separators = mapping.separators
        self.remarks: list[str] = []

    def optional(self, read: Callable[..., Result], *arguments: Any) -> Result | None:
        """Return the result of ``read``, or None and a remark if it fails."""
        try:
            return read(*arguments)
        except (CellUnread, RowRefused) as error:
            self.remarks.append(str(error))
            return None

    def said(self, field: str) -> str | None:
        """Return the first cell of the field's columns that is not blank; None without a column."""
        if field not in self.mapping.columns:
            return None
        return first_cell(self.row, self.mapping.columns[field])

    def of(self, field: str) -> Iterable[tuple[str, str]]:
        """Return (column, cell) of each column of the field."""
        return [(key, self.row.cells.get(key, "")) for key in self.mapping.columns.get(field, ())]

    def split(self, text: str, separator: str) -> list[str]:
        """Return the values in a cell. A comma between two digits is a decimal comma."""
        escape = self.separators.escape
        if not separator:
            parts = [text]
        else:
            mark = r"(?:,(?!\d)|(?<!\d),)" if separator == "," else re.escape(separator)
            before = f"(?<!{re.escape(escape)})" if escape else ""
            parts = re.split(before + mark, text)
        return [part for text in parts if (part := self.unescaped(text).strip())]

    def unescaped(self, text: str) -> str:
        escape = self.separators.escape
        if not escape or escape not in text:
            return text
        return text.replace(f"{escape}n", "\n").replace(f"{escape},", ",")
