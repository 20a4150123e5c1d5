"""A delimited text file as a stream of rows."""

import csv
import gzip
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from shop.feeds import encoding as encodings
from shop.feeds import quoting
from shop.feeds.product import FeedError

DELIMITERS = ",;\t|"
MAX_FIELD_CHARACTERS = 1 << 20
MAX_LINE_CHARACTERS = 1 << 25
MAX_HEADER_CHARACTERS = 1 << 16
#: Lines searched for the column names; titles and notes may come before them.
HEADER_WITHIN = 20
GZIP_MAGIC = b"\x1f\x8b"
_UNREADABLE = re.compile("[\udc80-\udcff]")
_SEPARATOR_LINE = re.compile(r"\ufeff?sep=(.)\s*", re.IGNORECASE)
_EMBEDDED = re.compile(r"data:[\w/+.;=-]{0,100};base64,[A-Za-z0-9+/=]*+", re.IGNORECASE)


def column_key(name: str) -> str:
    """Normalise a column name: ``g:Image Link`` and ``image_link`` are equal."""
    return re.sub(r"[\s_-]+", "_", name.strip().casefold().removeprefix("g:"))


def numbered(keys: Sequence[str]) -> list[str]:
    """Return column keys with numbered repetitions: ``image_link``, ``image_link 2``."""
    seen: dict[str, int] = {}
    found = []
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
        found.append(f"{key} {seen[key]}" if key and seen[key] > 1 else key)
    return found


@dataclass(frozen=True)
class Row:
    """A record: the line it starts at, and its cells by column key.

    ``problem`` is the reason for refusing it, if its cells do not fit the header.
    """

    line: int
    cells: dict[str, str]
    problem: str = ""


class Table:
    """A CSV or TSV file, plain or gzipped, with detected delimiter and encoding.

    The header is the first line whose column keys pass ``is_header``, or else the first line with
    a delimiter. Rows are read on demand and can be read repeatedly, so that memory does not grow
    with the file. Raise :class:`FeedError` if the file cannot be read as a table.
    """

    def __init__(
        self,
        path: Path,
        encoding: str = "",
        is_header: Callable[[Sequence[str]], bool] = lambda columns: False,
    ) -> None:
        self.path = path
        self.notes: list[str] = []
        self.size_bytes = path.stat().st_size
        self._raw = path.open("rb")
        try:
            self._open(encoding, is_header)
        except BaseException:
            self._raw.close()
            raise

    def _open(self, encoding: str, is_header: Callable[[Sequence[str]], bool]) -> None:
        self._gzipped = self._raw.read(2) == GZIP_MAGIC
        try:
            self.encoding = encoding or self._detected()
            head = self._head()
        except (OSError, EOFError, LookupError, UnicodeError) as error:
            raise FeedError(f"{self.path.name} cannot be read: {error}.") from error
        self._escaped = quoting.is_backslashed(head)
        self._skipped, self.delimiter = self._find_header(
            io.StringIO(head, newline="").readlines(), is_header
        )
        self._header_lines = 0
        self.names = self._header()
        self.columns = numbered([column_key(name) for name in self.names])
        if self._skipped > 1:
            self.notes.append(f"The columns are named on line {self._skipped + 1}.")

    def _detected(self) -> str:
        encoding, is_sure = encodings.detect(self._rewound())
        if not is_sure:
            self.notes.append(f"Read as {encoding}, which is a guess; --encoding names another.")
        return encoding

    @property
    def position_bytes(self) -> int:
        """Return how many bytes of the file have been read, for a progress bar."""
        return self._raw.tell() if not self._raw.closed else self.size_bytes

    def rows(self) -> Iterator[Row]:
        """Yield the rows after the header, each with the line it starts at; skip empty rows.

        Raise :class:`FeedError` at a cell that holds the text of other rows, because its quote
        is never closed.
        """
        lines = self._lines()
        records = quoting.records(lines, self.delimiter, len(self.columns))
        last_line = self._skipped
        while True:
            try:
                record = next(records, None)
            except csv.Error as error:
                raise FeedError(
                    f"Line {last_line + 1} of {self.path.name} cannot be read: {error}. "
                    "Look for a quote that opens a cell and is never closed."
                ) from error
            except (OSError, EOFError, UnicodeError) as error:
                raise FeedError(
                    f"{self.path.name} cannot be read after line {last_line}: {error}."
                ) from error
            if record is None:
                return
            cells, lines_read = record
            line, last_line = last_line + 1, self._skipped + lines_read
            if line > self._skipped + self._header_lines and any(cell.strip() for cell in cells):
                self._refuse_swallowed_rows(line, cells)
                yield self._row(line, cells)

    def close(self) -> None:
        self._raw.close()

    def _rewound(self) -> BinaryIO:
        self._raw.seek(0)
        return cast(BinaryIO, gzip.GzipFile(fileobj=self._raw)) if self._gzipped else self._raw

    def _text(self) -> io.TextIOWrapper:
        # Bytes outside the encoding become lone surrogates, refused row by row.
        file = self._rewound() if self._gzipped else io.BufferedReader(_Unclosed(self._rewound()))
        return io.TextIOWrapper(file, self.encoding, errors="surrogateescape", newline="")

    def _head(self) -> str:
        head = self._text().read(MAX_HEADER_CHARACTERS)
        if not head.strip():
            raise FeedError(f"{self.path.name} is empty.")
        return head

    def _lines(self) -> Iterator[str]:
        """Yield the lines from the header on, without pictures stored as text."""
        text = self._text()
        for _ in range(self._skipped):
            text.readline(MAX_LINE_CHARACTERS)
        while line := text.readline(MAX_LINE_CHARACTERS):
            if len(line) == MAX_LINE_CHARACTERS:
                raise FeedError(f"{self.path.name} has a line of {len(line)} characters or more.")
            if "base64," in line:
                line = _EMBEDDED.sub("", line)
            yield quoting.doubled(line, self.delimiter) if self._escaped else line

    def _find_header(
        self, lines: list[str], is_header: Callable[[Sequence[str]], bool]
    ) -> tuple[int, str]:
        """Return the number of lines before the header, and its delimiter."""
        separator = _SEPARATOR_LINE.fullmatch(lines[0].rstrip("\r\n"))
        skipped = 1 if separator else 0
        delimiters = separator[1] if separator else DELIMITERS
        first = next(i for i, line in enumerate(lines[skipped:], skipped) if line.strip())
        for at, line in enumerate(lines[first : first + HEADER_WITHIN], first):
            for delimiter in sorted(delimiters, key=line.count, reverse=True):
                if delimiter in line:
                    cells = _first_record(lines[at:], delimiter)
                    if is_header(numbered([column_key(cell) for cell in cells])):
                        return at, delimiter
        return first, separator[1] if separator else _delimiter(lines[first])

    def _header(self) -> list[str]:
        csv.field_size_limit(MAX_FIELD_CHARACTERS)
        cells, self._header_lines = next(quoting.records(self._lines(), self.delimiter, 0))
        while len(cells) > 1 and not cells[-1].strip():
            cells.pop()
        return [name.strip().removeprefix("\ufeff") for name in cells]

    def _refuse_swallowed_rows(self, line: int, cells: list[str]) -> None:
        columns = len(self.columns)
        for at, cell in enumerate(cells):
            if "\n" in cell and quoting.holds_rows(
                cell, self.delimiter, columns, at, fits=len(cells) == columns
            ):
                raise FeedError(
                    f"Line {line} of {self.path.name} has a cell that holds the text of other "
                    f"rows: {cell[:60]!r}. Nothing was imported. Close the quote that opens it, "
                    "or double it if it is an inch sign."
                )

    def _row(self, line: int, cells: list[str]) -> Row:
        while len(cells) > len(self.columns) and not cells[-1].strip():
            cells.pop()
        # Spreadsheets omit empty cells at the end of a row.
        cells += [""] * (len(self.columns) - len(cells))
        cells = [_bare(cell) if cell.startswith("<![CDATA[") else cell for cell in cells]
        row = dict(zip(self.columns, cells, strict=False))
        problem = ""
        if len(cells) != len(self.columns):
            problem = f"has {len(cells)} cells where the header has {len(self.columns)} columns"
        elif any(not cell.isascii() and _UNREADABLE.search(cell) for cell in cells):
            problem = f"holds bytes that are not {self.encoding}; save the file as UTF-8"
            row = {key: _readable(cell) for key, cell in row.items()}
        return Row(line, row, problem)


class _Unclosed(io.RawIOBase):
    """A file that stays open when a text layer above it closes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _first_record(lines: list[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader(lines, delimiter=delimiter), [])
    except csv.Error:
        return []


def _bare(cell: str) -> str:
    """Return a cell copied from XML, without the wrapper of its text."""
    whole = re.fullmatch(r"<!\[CDATA\[(.*)\]\]>\s*", cell, re.DOTALL)
    return whole[1] if whole and "]]>" not in whole[1] else cell


def _readable(cell: str) -> str:
    return cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _delimiter(header: str) -> str:
    unquoted = re.sub(r'"[^"]*"', "", header)
    found = max(DELIMITERS, key=unquoted.count)
    if not unquoted.count(found):
        raise FeedError(
            f"The first line is {header.strip()[:80]!r}; it must name the columns, "
            "separated by a comma, semicolon, tab or bar."
        )
    return found
