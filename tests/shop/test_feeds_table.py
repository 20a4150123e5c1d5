"""Files of many encodings and delimiters, read row by row."""

import gzip
import tracemalloc

import pytest

from shop.feeds.product import FeedError
from shop.feeds.table import Table


@pytest.fixture
def table(tmp_path):
    """Opens bytes as a table; every table is closed at the end."""
    opened = []

    def make(data: bytes, name="feed.csv") -> Table:
        path = tmp_path / name
        path.write_bytes(data)
        opened.append(Table(path))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_found_out(table, encoding, delimiter):
    text = delimiter.join(["id", "title"]) + "\r\n" + delimiter.join(["1", "Café “Été”"]) + "\r\n"
    rows = list(table(text.encode(encoding)).rows())
    assert [row.cells for row in rows] == [{"id": "1", "title": "Café “Été”"}]


def test_gzip_is_unpacked_whatever_its_name(table):
    rows = list(table(gzip.compress(b"id,title\n1,Pan\n")).rows())
    assert rows[0].cells["title"] == "Pan"


def test_lines_are_counted_over_blank_lines_and_newlines_in_cells(table):
    data = b'\n id ,g:Image Link\n1,"a\nb ""c"""\n\n,,\n2,d\n'
    rows = list(table(data).rows())
    assert [(row.line, row.cells["image_link"]) for row in rows] == [(3, 'a\nb "c"'), (7, "d")]


def test_ragged_rows_and_broken_bytes_are_refused_alone(table):
    data = "id,title\n1,Café\n2\n3,a,b\n4,ok,,\n".encode() + b"5,\xff\n"
    problems = {row.cells["id"]: row.problem for row in table(data).rows()}
    assert problems["1"] == problems["4"] == ""
    assert "1 cells" in problems["2"]
    assert "3 cells" in problems["3"]
    assert "not utf-8" in problems["5"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"just text\n", "first line"),
        (b"PK\x03\x04zip", "spreadsheet"),
        (b"\x00\x01" * 500, "not text"),
        (b"id,title,ID\n", "more than once"),
    ],
)
def test_unusable_files_say_why(table, data, message):
    with pytest.raises(FeedError, match=message):
        table(data)


def test_a_quote_never_closed_does_not_swallow_the_file(table):
    data = b'id,title\n1,"open\n' + b"2,pan\n" * 300_000
    with pytest.raises(FeedError, match="quote"):
        list(table(data).rows())


def test_a_truncated_gzip_is_an_error_with_its_name(table):
    data = gzip.compress(b"id,title\n" + b"".join(b"%d,x%d\n" % (n, n * n) for n in range(9999)))
    with pytest.raises(FeedError, match=r"feed\.csv"):
        list(table(data[: len(data) // 2]).rows())


def test_rows_are_streamed_and_memory_does_not_grow(table):
    opened = table(b"id,title\n" + b"1,a rather long title of a product\n" * 100_000)
    tracemalloc.start()
    try:
        rows = opened.rows()
        next(rows)
        assert opened.position_bytes < 100_000
        assert sum(1 for _ in rows) == 99_999
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
