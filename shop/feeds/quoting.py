"""Quotes in a delimited file, and signs of an unclosed quote that swallowed rows."""

import csv
import re
from collections.abc import Iterator
from itertools import chain

MAX_LINES = 5_000  # of one quoted cell in a tab-separated file
MAX_CHARACTERS = 1 << 20

Record = tuple[list[str], int]  # the cells, and the number of lines read with them


def records(lines: Iterator[str], delimiter: str, columns: int) -> Iterator[Record]:
    """Yield the records of a file. With ``columns`` 0 the number of columns is not known yet."""
    if delimiter == "\t":
        yield from _Tabs(lines, columns)
        return
    reader = csv.reader(lines, delimiter=delimiter)
    for cells in reader:
        yield cells, reader.line_num


def is_backslashed(text: str) -> bool:
    r"""Return True if quotes inside cells are written ``\"``, as databases export them."""
    return bool(re.search(r'\\"\w', text))


def doubled(line: str, delimiter: str) -> str:
    r"""``line`` with ``""`` for ``\"``, unless that quote ends its cell: ``"C:\","next"``."""
    if '\\"' not in line:
        return line
    return re.sub(rf'\\"(?!{re.escape(delimiter)}"|\s*$)', '""', line)


def holds_rows(cell: str, delimiter: str, columns: int, at: int, *, fits: bool) -> bool:
    """Return True if a cell with line breaks holds rows: as many delimiters as the header.

    ``at`` is the cell's column; ``fits`` is True if its record has as many cells as the header.
    A delimiter before a blank counts as punctuation.
    """
    if columns < 3:
        return False
    mark = re.compile(re.escape(delimiter) + ("(?! )" if delimiter == "," else ""))
    if not re.search(r"[\r\n]", cell.rstrip()):
        return False
    first, *middle, last = [
        len(mark.findall(line)) for line in re.split(r"\r\n|\r|\n", cell.rstrip())
    ]
    if first != columns - 1 - at:
        return False
    if middle:
        return all(count == columns - 1 for count in middle)
    return last == at if fits else last > 0


class _Tabs:
    """Yield records of a tab-separated file, in which a quote is an ordinary character.

    Only a cell quoted from its first to its last character, with its inner quotes doubled, is
    unquoted; such a cell may hold tabs and line breaks.
    """

    def __init__(self, lines: Iterator[str], columns: int) -> None:
        self._lines = lines
        self._columns = columns
        self._ahead: list[str] = []
        self._read = 0

    def __iter__(self) -> Iterator[Record]:
        while (line := self._next()) is not None:
            cells = line.rstrip("\r\n").split("\t")
            if '"' in line:
                cells = self._unquoted(cells)
            yield cells, self._read

    def _next(self) -> str | None:
        line = self._ahead.pop(0) if self._ahead else next(self._lines, None)
        self._read += line is not None
        return line

    def _unquoted(self, cells: list[str]) -> list[str]:
        found: list[str] = []
        while cells:
            cell = cells.pop(0)
            if cell.startswith('"'):
                whole = _inside(cell)
                if whole is None:
                    whole, cells = self._joined(cell, cells, len(found))
                cell = whole
            found.append(cell)
        return found

    def _joined(self, cell: str, cells: list[str], at: int) -> tuple[str, list[str]]:
        """Return a quoted cell with tabs and line breaks, or ``cell``, and the cells after it."""
        for end, last in enumerate(cells):
            if last.endswith('"'):
                whole = _inside("\t".join([cell, *cells[: end + 1]]))
                rest = cells[end + 1 :]
                # The text between two inch signs in a row is not a cell.
                if whole is not None and at + 1 + len(rest) >= self._columns > 0:
                    return whole, rest
        if len(cells) + at + 1 < self._columns:
            over = self._over_lines("\t".join([cell, *cells]), at)
            if over is not None:
                return over
        return cell, cells

    def _over_lines(self, text: str, at: int) -> tuple[str, list[str]] | None:
        """Return the quoted cell that begins in ``text`` and ends on a later line, or None."""
        taken: list[str] = []
        length = len(text)
        whole, rest = None, []
        while whole is None and len(taken) < MAX_LINES and length < MAX_CHARACTERS:
            line = self._next()
            if line is None:
                break
            taken.append(line)
            length += len(line)
            start, *cells = line.rstrip("\r\n").split("\t")
            text = f"{text}\n{start}"
            if start.endswith('"'):
                whole, rest = _inside(text), cells
            elif at + 1 + len(cells) >= self._columns:
                break  # a whole row: the quote was an inch sign
            elif cells:
                text = "\t".join([text, *cells])
        if whole is not None and at + 1 + len(rest) == self._columns:
            return whole, rest
        self._ahead = list(chain(taken, self._ahead))
        self._read -= len(taken)
        return None


def _inside(cell: str) -> str | None:
    """Return the text inside the quotes of a cell, or None if they do not enclose it."""
    if len(cell) < 2 or not cell.endswith('"'):
        return None
    inside = cell[1:-1].replace('""', "\0")
    return None if '"' in inside else inside.replace("\0", '"')
