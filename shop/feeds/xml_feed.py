"""A product feed in XML, RSS or Atom, as a stream of rows.

Entities are neither fetched nor expanded: a file that declares entities is refused, and a
document type without declarations is ignored.
"""

import codecs
import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast
from xml.parsers import expat

from shop.feeds.product import FeedError
from shop.feeds.table import GZIP_MAGIC, Row, column_key, numbered

PIECE_BYTES = 1 << 16
MAX_ITEM_CHARACTERS = 1 << 22
MAX_PARTS = 500  # of an item
MAX_DEPTH = 50
GOOGLE = "http://base.google.com/ns/1.0"
ITEMS = ("item", "entry")
_DECLARED = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([\w.:-]+)["']""")
#: Encodings that expat supports.
_NATIVE = ("utf-8", "utf-16", "iso-8859-1", "us-ascii")


def is_xml(path: Path) -> bool:
    """Return True if the file, unpacked if gzipped, begins like XML."""
    with path.open("rb") as raw:
        zipped = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        try:
            head = (gzip.GzipFile(fileobj=raw) if zipped else raw).read(200)
        except (OSError, EOFError):
            return False
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace").lstrip().startswith(("<?xml", "<rss", "<feed"))
    return bool(
        re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|rss|feed|rdf|channel|!--|!DOCTYPE)", head)
    )


class XmlFeed:
    """The items of a feed as rows, with a column for each element's name.

    Nested elements (``g:shipping``) have the names of both as column. The file is read once for
    the names of its columns. Raise :class:`FeedError` if it cannot be read.
    """

    def __init__(self, path: Path, encoding: str = "") -> None:
        self.path = path
        self.notes: list[str] = []
        self.size_bytes = path.stat().st_size
        self._raw = path.open("rb")
        try:
            self._gzipped = self._raw.read(2) == GZIP_MAGIC
            head = self._rewound().read(300)
            declared = _DECLARED.search(head)
            self.encoding = encoding or (declared[1].decode() if declared else "utf-8")
            self._decoder = None if self._is_native(encoding) else codecs.lookup(self.encoding)
            columns: dict[str, None] = {}
            for row in self.rows():
                columns.update(dict.fromkeys(row.cells))
        except (OSError, EOFError, LookupError) as error:
            self._raw.close()
            raise FeedError(f"{path.name} cannot be read: {error}.") from error
        except BaseException:
            self._raw.close()
            raise
        if not columns:
            self._raw.close()
            raise FeedError(f"{path.name} is XML without any <item> or <entry>.")
        self.columns = list(columns)
        self.names = self.columns

    @property
    def position_bytes(self) -> int:
        return self._raw.tell() if not self._raw.closed else self.size_bytes

    def rows(self) -> Iterator[Row]:
        """Yield the items, each with the line it starts at."""
        items = _Items(None if self._decoder is None else "utf-8")
        file = self._rewound()
        decode = self._decoder.incrementaldecoder("replace").decode if self._decoder else None
        more = True
        while more:
            try:
                piece = file.read(PIECE_BYTES)
                more = bool(piece)
                if decode:
                    piece = decode(piece, final=not more).encode("utf-8", "replace")
                items.parser.Parse(piece, not more)
            except expat.ExpatError as error:
                raise FeedError(
                    f"{self.path.name} is not well-formed XML: {error}. In XML an ampersand is "
                    "written &amp;, and only five entities have names."
                ) from error
            except (OSError, EOFError) as error:
                raise FeedError(f"{self.path.name} cannot be read: {error}.") from error
            yield from items.take()

    def close(self) -> None:
        self._raw.close()

    def _is_native(self, asked: str) -> bool:
        return not asked and self.encoding.lower() in _NATIVE

    def _rewound(self) -> BinaryIO:
        self._raw.seek(0)
        return cast(BinaryIO, gzip.GzipFile(fileobj=self._raw)) if self._gzipped else self._raw


class _Items:
    """Items from expat's events.

    Names keep their prefixes, because feeds forget to declare them. An undeclared entity, such
    as ``&nbsp;``, stays in the text, and the reader replaces it.
    """

    def __init__(self, encoding: str | None) -> None:
        self.parser = expat.ParserCreate(encoding)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._refuse_entity
        self.parser.SkippedEntityHandler = self._skip_entity
        # Let undeclared entities pass; the document type itself is not fetched.
        self.parser.UseForeignDTD(True)
        self.parser.ExternalEntityRefHandler = lambda *reference: 1
        self._google = {"g"}  # prefixes of Google's names
        self._rows: list[Row] = []
        self._path: list[str] = []  # of elements inside the item
        self._in_item = False
        self._depth = 0

    def take(self) -> list[Row]:
        rows, self._rows = self._rows, []
        return rows

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FeedError(f"Line {self.parser.CurrentLineNumber} nests {MAX_DEPTH} elements.")
        self._google.update(
            prefix.removeprefix("xmlns:")
            for prefix, uri in attributes.items()
            if prefix.startswith("xmlns:") and uri == GOOGLE
        )
        key = self._key(name)
        if not self._in_item:
            if key in ITEMS:
                self._in_item = True
                self._line = self.parser.CurrentLineNumber
                self._found: list[tuple[str, bool, str]] = []
                self._length = 0
            return
        self._path.append(key)
        self._parts: list[str] = []
        if attributes.get("href"):
            self._text(attributes["href"])

    def _text(self, text: str) -> None:
        if self._path:
            self._length += len(text)
            if self._length <= MAX_ITEM_CHARACTERS:
                self._parts.append(text)

    def _end(self, name: str) -> None:
        self._depth -= 1
        if not self._in_item:
            return
        if not self._path:
            self._in_item = False
            self._rows.append(self._row())
            return
        text = "".join(self._parts).strip()
        if text and len(self._found) < MAX_PARTS:
            is_google = name.partition(":")[0] in self._google
            self._found.append(("_".join(self._path), is_google, text))
        self._parts = []
        self._path.pop()

    def _row(self) -> Row:
        google = {key for key, is_google, _ in self._found if is_google}
        found = [one for one in self._found if one[1] or one[0] not in google]
        cells = dict(
            zip(numbered([one[0] for one in found]), (one[2] for one in found), strict=True)
        )
        problem = ""
        if self._length > MAX_ITEM_CHARACTERS:
            problem = f"has {self._length} characters; {MAX_ITEM_CHARACTERS} is the most"
        return Row(self._line, cells, problem)

    def _key(self, name: str) -> str:
        prefix, _, local = name.rpartition(":")
        return column_key(local if not prefix or prefix in self._google else f"{prefix} {local}")

    def _skip_entity(self, name: str, is_parameter: bool) -> None:
        if not is_parameter:
            self._text(f"&{name};")

    def _refuse_entity(self, *declaration: object) -> None:
        raise FeedError(
            f"Line {self.parser.CurrentLineNumber} declares an entity; a feed with entities of "
            "its own is refused because they may expand without end."
        )
