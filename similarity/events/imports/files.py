"""Read files of events row by row: CSV, also compressed by gzip, and Parquet."""

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol, TextIO

from similarity.events.imports.columns import Columns, choose
from similarity.exceptions import EventError

INSTALL = "pip install 'django-similarity[events]'"

#: Rows of Parquet that are decoded at once.
BATCH = 5_000


class RawRow(NamedTuple):
    """A row as it stands in the file: its line, its values in the order of :class:`Columns`."""

    line: int
    values: tuple[Any, ...]
    fault: str = ""


class EventFile(Protocol):
    """A file of events that is open; ``done`` of ``total`` is read, in units of its own."""

    @property
    def total(self) -> int: ...

    @property
    def done(self) -> int: ...

    def rows(self) -> Iterator[RawRow]: ...


@contextmanager
def open_events(path: Path, given: Mapping[str, str]) -> Iterator[EventFile]:
    """Open a file by the ending of its name.

    Raises :class:`EventError` if it cannot be read, or if a column is missing.
    """
    if not path.is_file():
        raise EventError(f"There is no file {str(path)!r}; give the path of a CSV or Parquet file.")
    if path.suffix == ".parquet":
        with _open_parquet(path) as file:
            yield ParquetEvents(file, given)
    elif path.name.removesuffix(".gz").endswith((".csv", ".tsv", ".txt")):
        with ExitStack() as opened:
            file = opened.enter_context(path.open("rb"))
            packed = path.suffix == ".gz"
            content: Any = opened.enter_context(gzip.GzipFile(fileobj=file)) if packed else file
            text = opened.enter_context(io.TextIOWrapper(content, "utf-8-sig", newline=""))
            yield CsvEvents(file, text, path, given)
    else:
        raise EventError(
            f"{path.name!r} is of an unknown form; import-events reads .csv, .csv.gz and .parquet."
        )


class CsvEvents:
    """A CSV file with a line of names; separated by commas, semicolons or tabs."""

    def __init__(self, file: BinaryIO, text: TextIO, path: Path, given: Mapping[str, str]) -> None:
        self.total = path.stat().st_size
        self._file, self._text, self._name = file, text, path.name
        try:
            head = text.readline()
        except (UnicodeDecodeError, OSError, EOFError) as error:
            raise self._unreadable(error) from error
        self._separator = max(",;\t", key=head.count)
        names = next(csv.reader([head], delimiter=self._separator), [])
        columns = choose(names, given)
        self._places = [None if name is None else names.index(name) for name in columns]
        self._width = 1 + max(place for place in self._places if place is not None)

    @property
    def done(self) -> int:
        return self._file.tell()

    def rows(self) -> Iterator[RawRow]:
        reader = csv.reader(self._text, delimiter=self._separator)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield RawRow(reader.line_num + 1, (), f"cannot be read: {error}")
                continue
            except (UnicodeDecodeError, OSError, EOFError) as error:  # the rest is lost
                raise self._unreadable(error) from error
            line = reader.line_num + 1  # the line of names is the first
            if len(cells) >= self._width:
                yield RawRow(line, tuple(None if p is None else cells[p] for p in self._places))
            elif cells:
                yield RawRow(line, (), f"has only {len(cells)} cells")

    def _unreadable(self, error: Exception) -> EventError:
        return EventError(f"{self._name!r} cannot be read as CSV in UTF-8: {error}.")


class ParquetEvents:
    """A Parquet file; ``items`` may be a list of structures, as BigQuery exports those of GA4."""

    def __init__(self, file: Any, given: Mapping[str, str]) -> None:
        self._file = file
        self.total = file.metadata.num_rows
        self.done = 0
        self._columns: Columns = choose(file.schema_arrow.names, given)

    def rows(self) -> Iterator[RawRow]:
        names = list(dict.fromkeys(name for name in self._columns if name is not None))
        for batch in self._file.iter_batches(BATCH, columns=names):
            columns = {name: _listed(batch.column(name)) for name in names}
            none = [None] * batch.num_rows
            listed = [none if name is None else columns[name] for name in self._columns]
            for values in zip(*listed, strict=True):
                self.done += 1
                yield RawRow(self.done, values)


def _open_parquet(path: Path) -> Any:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise EventError(f"Reading Parquet needs pyarrow: {INSTALL}") from error
    try:
        return parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise EventError(f"{path.name!r} cannot be read as Parquet: {error}") from error


def _listed(column: Any) -> list[Any]:
    """Return a column as a list of Python's values."""
    import pyarrow

    if pyarrow.types.is_timestamp(column.type) and column.type.unit == "ns":
        # Python's datetime has no nanoseconds.
        column = column.cast(pyarrow.timestamp("us", column.type.tz), safe=False)
    values: list[Any] = column.to_pylist()
    return values
