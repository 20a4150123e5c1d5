"""A delimited text file as a stream of rows."""

import csv
import gzip
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from shop.feeds import encoding as encodings
from shop.feeds.product import FeedError

DELIMITERS = ",;\t|"
MAX_FIELD_CHARACTERS = 1 << 20
MAX_HEADER_CHARACTERS = 1 << 16
GZIP_MAGIC = b"\x1f\x8b"


def column_key(name: str) -> str:
    """The form column names are compared in: ``g:Image Link`` and ``image_link`` are one."""
    return re.sub(r"[\s_-]+", "_", name.strip().casefold().removeprefix("g:"))


@dataclass(frozen=True)
class Row:
    """One record: the line it starts at, and its cells by column key.

    ``problem`` is the reason it cannot be used, where its cells do not fit the header.
    """

    line: int
    cells: dict[str, str]
    problem: str = ""


class Table:
    """A CSV or TSV file, plain or gzipped; delimiter and encoding are found out.

    Rows are read as they are asked for, so that memory does not grow with the file.
    Raises :class:`FeedError` where the file cannot be read as a table.
    """

    def __init__(self, path: Path, encoding: str = "") -> None:
        self.path = path
        if not path.is_file():
            raise FeedError(f"There is no file {str(path)!r}.")
        self.size_bytes = path.stat().st_size
        self._raw = path.open("rb")
        try:
            self._open(encoding)
        except BaseException:
            self._raw.close()
            raise

    def _open(self, encoding: str) -> None:
        self._gzipped = self._raw.read(2) == GZIP_MAGIC
        try:
            self.encoding = encoding or encodings.detect(self._rewound())
            # Bytes outside the encoding become lone surrogates, refused row by row.
            self._text = io.TextIOWrapper(
                self._rewound(), self.encoding, errors="surrogateescape", newline=""
            )
            header_line = self._header_line()
        except (OSError, EOFError, LookupError, UnicodeError) as error:
            raise FeedError(f"{self.path.name} cannot be read: {error}.") from error
        self.delimiter = _delimiter(header_line)
        csv.field_size_limit(MAX_FIELD_CHARACTERS)
        self._records = csv.reader(self._text, delimiter=self.delimiter)
        self.names = self._header()
        self.columns = [column_key(name) for name in self.names]
        self._refuse_repeated_columns()

    @property
    def position_bytes(self) -> int:
        """How far the file on disk has been read, for a progress bar."""
        return self._raw.tell() if not self._raw.closed else self.size_bytes

    def rows(self) -> Iterator[Row]:
        """The rows after the header, each with the line it starts at; empty ones left out."""
        last_line = self._records.line_num
        while True:
            try:
                cells = next(self._records, None)
            except csv.Error as error:
                raise FeedError(
                    f"Line {last_line + 1} of {self.path.name} cannot be read: {error}. "
                    "Look for a quote that opens a cell and is never closed."
                ) from error
            except (OSError, EOFError, UnicodeError) as error:
                raise FeedError(
                    f"{self.path.name} cannot be read after line {last_line}: {error}."
                ) from error
            if cells is None:
                return
            line, last_line = last_line + 1, self._records.line_num
            if any(cell.strip() for cell in cells):
                yield self._row(line, cells)

    def close(self) -> None:
        self._text.close()
        self._raw.close()

    def _rewound(self) -> BinaryIO:
        self._raw.seek(0)
        return cast(BinaryIO, gzip.GzipFile(fileobj=self._raw)) if self._gzipped else self._raw

    def _header_line(self) -> str:
        """The first line that is not blank, read ahead of the CSV reader and put back."""
        while line := self._text.readline(MAX_HEADER_CHARACTERS):
            if line.strip():
                self._text.seek(0)
                return line
        raise FeedError(f"{self.path.name} is empty.")

    def _header(self) -> list[str]:
        names = next(cells for cells in self._records if any(cells))
        while not names[-1].strip():
            names.pop()
        return [name.strip() for name in names]

    def _refuse_repeated_columns(self) -> None:
        repeated = {n for n in self.columns if n and self.columns.count(n) > 1}
        if repeated:
            raise FeedError(
                f"{self.path.name} has the column {sorted(repeated)[0]!r} more than once; "
                "rename or remove one of them."
            )

    def _row(self, line: int, cells: list[str]) -> Row:
        while len(cells) > len(self.columns) and not cells[-1].strip():
            cells.pop()
        row = dict(zip(self.columns, cells, strict=False))
        problem = ""
        if len(cells) != len(self.columns):
            problem = f"has {len(cells)} cells where the header has {len(self.columns)} columns"
        elif any("\udc80" <= character <= "\udcff" for cell in cells for character in cell):
            problem = f"holds bytes that are not {self.encoding}; save the file as UTF-8"
            row = {key: _readable(cell) for key, cell in row.items()}
        return Row(line, row, problem)


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
