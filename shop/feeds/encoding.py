"""Detect the encoding of a text file by reading it once in small pieces."""

import codecs
import re
from typing import BinaryIO

from shop.feeds import languages
from shop.feeds.product import FeedError

PIECE_BYTES = 1 << 20
SAMPLE_BYTES = 1 << 16
SPREADSHEET = b"PK\x03\x04"
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_OTHER_LINES = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")


def detect(file: BinaryIO) -> tuple[str, bool]:
    """Return the encoding of ``file``, and True if it is certain.

    A byte order mark or UTF-8 is certain. A few broken bytes do not count as another encoding,
    because that would turn every accent of the catalogue into two wrong letters. Otherwise it is
    the code page in which the words belong to a language.

    Raise :class:`FeedError` for a workbook or other binary file, and if no code page or more than
    one fits.
    """
    head = file.read(4)
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding, True
    if head.startswith(SPREADSHEET):
        raise FeedError("The file is a spreadsheet or ZIP archive; save it as CSV (UTF-8) first.")
    count = _Count()
    piece = head
    while piece:
        count.add(piece)
        piece = file.read(PIECE_BYTES)
    return count.encoding()


class _Count:
    """Evidence of a file's encoding, from its bytes."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._broken = self._accents = self._total = 0
        self._nulls = [0, 0]  # at even and at odd places
        self._sample = b""

    def add(self, piece: bytes) -> None:
        text = self._decoder.decode(piece)
        odd = self._total % 2
        self._nulls[odd] += piece[::2].count(0)
        self._nulls[1 - odd] += piece[1::2].count(0)
        self._total += len(piece)
        if not text.isascii():
            wrong = sum("\udc80" <= character <= "\udcff" for character in text)
            self._broken += wrong
            self._accents += sum(character > "\x7f" for character in text) - wrong
            if len(self._sample) < SAMPLE_BYTES:
                self._sample += b"\n".join(_OTHER_LINES.findall(piece)) + b"\n"

    def encoding(self) -> tuple[str, bool]:
        self._broken += len(self._decoder.decode(b"", final=True))
        even, odd = self._nulls
        if even + odd > self._total // 10:
            if max(even, odd) > 9 * min(even, odd):
                return ("utf-16-be" if even > odd else "utf-16-le"), False
            raise FeedError("The file is not text; save it as CSV (UTF-8) first.")
        if self._accents >= 4 * self._broken:
            return "utf-8", True
        found = languages.code_pages(self._sample[:SAMPLE_BYTES])
        if not found and self._accents >= self._broken:
            return "utf-8", False
        if len(found) == 1:
            return found[0], False
        candidates = f" It may be {' or '.join(found)}." if found else ""
        raise FeedError(
            "The file is not in UTF-8, and its encoding cannot be determined."
            f"{candidates} Name it by --encoding, such as --encoding cp1252, or save the file as "
            "CSV (UTF-8)."
        )
