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
    rows = {row.cells["id"]: row for row in table(data).rows()}
    problems = {name: row.problem for name, row in rows.items()}
    assert problems["1"] == problems["4"] == ""
    # Spreadsheets leave empty cells at the end of a row out.
    assert (problems["2"], rows["2"].cells) == ("", {"id": "2", "title": ""})
    assert "3 cells" in problems["3"]
    assert "not utf-8" in problems["5"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"just text\n", "first line"),
        (b"PK\x03\x04zip", "spreadsheet"),
        (b"\x00\x01\x00\x00" * 500, "not text"),
        ("id,title\n1,плащ\n".encode("cp1251"), "--encoding"),
        (b"id,title\n1,\x81\x8d\x9d\xff\n", "--encoding"),
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


def cells_of(opened) -> list[list[str]]:
    return [list(row.cells.values()) for row in opened.rows()]


@pytest.mark.parametrize(
    ("lines", "titles"),
    [
        # an inch sign or a quotation at the beginning, in the middle, at the end
        (['1\t"As seen on TV mop\t5', '2\tScarf\t5', '3\tFrame 8x10"\t5'],
         ['"As seen on TV mop', "Scarf", 'Frame 8x10"']),
        (['1\t"Deluxe" frame\t5', '2\t27" screen\t5'], ['"Deluxe" frame', '27" screen']),
        (['1\t"Big" and "small"\t5', '2\t"\t5'], ['"Big" and "small"', '"']),
        (['1\t"27" screen\t5"'], ['"27" screen']),
        # a cell that is really quoted
        (['1\t"27"" screen"\t5', '2\t"Oak"\t5'], ['27" screen', "Oak"]),
        (['1\t"two\tcells"\t5'], ["two\tcells"]),
        (['1\t"two', 'lines"\t5', '2\tOak\t5'], ["two\nlines", "Oak"]),
        (['1\t"two', '', 'and ""more"""\t5', '2\tOak\t5'], ['two\n\nand "more"', "Oak"]),
        (['1\t"never', 'closed\t5', '2\tOak\t5'], ['"never', "5", "Oak"]),
    ],
)  # fmt: skip
def test_in_a_tab_separated_file_a_quote_is_a_character(table, lines, titles):
    opened = table("\n".join(["id\ttitle\tprice", *lines, ""]).encode(), "feed.tsv")
    assert [cells[1] for cells in cells_of(opened)] == titles
    assert [cells[1] for cells in cells_of(opened)] == titles, "a second pass reads the same"


@pytest.mark.parametrize("delimiter", [",", ";", "|"])
@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("column", [1, 2, 3])
def test_a_quote_that_swallows_rows_is_refused_before_anything_is_read(
    table, delimiter, rows, column
):
    opening = ["0", "Mop", "5", "red"]
    opening[column] = f'"{opening[column]}'
    closing = ["9", "Hat", "5", "red"]
    closing[column] = f'{closing[column]}"'
    between = [[str(row), "Scarf", "5", "red"] for row in range(1, rows)]
    lines = [["id", "title", "price", "colour"], opening, *between, closing]
    opened = table("\n".join(map(delimiter.join, lines)).encode() + b"\n")
    with pytest.raises(FeedError, match=r"Line 2 .* text of other rows"):
        list(opened.rows())


def test_a_cell_of_several_lines_with_commas_is_no_sign_of_it(table):
    text = "Soft, warm, red,\nand light, too,\nfor men, women, all"
    data = f'id,title,price,text\n1,Hat,5,"{text}"\n2,"a, b\nc",5,"x\n1,2\n3"\n'.encode()
    assert [cells[3] for cells in cells_of(table(data))] == [text, "x\n1,2\n3"]


def test_quotes_escaped_by_a_backslash(table):
    data = rb"""id,title,text
1,"27\" screen","say \"hi\", then go"
2,"C:\","a, b"
3,"\"Deluxe\" frame",x
"""
    assert cells_of(table(data)) == [
        ["1", '27" screen', 'say "hi", then go'],
        ["2", "C:\\", "a, b"],
        ["3", '"Deluxe" frame', "x"],
    ]


@pytest.mark.parametrize(
    ("before", "delimiter"),
    [("sep=;\r\n", ";"), ("\ufeffsep=,\n", ","), ("Our products, 2026\n\nprices in euro\n", ";"),
     ("List;;\n;;\n", ";")],
)  # fmt: skip
def test_what_stands_before_the_table_costs_nothing(tmp_path, before, delimiter):
    path = tmp_path / "feed.csv"
    rows = [["Id", "Title", "Price"], ["1", "Pan", "5"]]
    path.write_text(before + "\n".join(map(delimiter.join, rows)), "utf-8")
    opened = Table(path, is_header=lambda columns: {"id", "title"} <= set(columns))
    assert cells_of(opened) == [["1", "Pan", "5"]]
    opened.close()


def test_a_repeated_column_is_kept_beside_the_first(table):
    opened = table(b"id,image,Image,note,image\n1,a,b,x,c\n")
    assert opened.columns == ["id", "image", "image 2", "note", "image 3"]
    assert cells_of(opened) == [["1", "a", "b", "x", "c"]]


def test_a_picture_inside_a_cell_is_not_read(table):
    picture = "data:image/png;base64," + "A" * 3_000_000
    opened = table(f'id,title\n1,"<img src={picture}>Pan"\n'.encode())
    assert cells_of(opened) == [["1", "<img src=>Pan"]]
