"""Which encoding a text file is in, found by reading it once in small pieces."""

import codecs
from typing import BinaryIO

from shop.feeds.product import FeedError

PIECE_BYTES = 1 << 20
SPREADSHEET = b"PK\x03\x04"
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def detect(file: BinaryIO) -> str:
    """The encoding of ``file``: by its byte order mark, else UTF-8 or cp1252.

    A file that is UTF-8 but for a few broken bytes is still taken as UTF-8; reading it as
    cp1252 would turn every accent of the whole catalogue into two wrong letters.

    Raises :class:`FeedError` for a workbook or other binary file.
    """
    head = file.read(4)
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding
    if head.startswith(SPREADSHEET):
        raise FeedError("The file is a spreadsheet or ZIP archive; save it as CSV (UTF-8) first.")
    broken, accents = _count(head, file)
    return "utf-8" if accents >= broken else "cp1252"


def _count(head: bytes, file: BinaryIO) -> tuple[int, int]:
    """Bytes that are not UTF-8, and characters beyond ASCII that are."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    broken = accents = nulls = total = 0
    piece = head
    while piece:
        text = decoder.decode(piece)
        nulls += piece.count(0)
        total += len(piece)
        if not text.isascii():
            wrong = sum("\udc80" <= character <= "\udcff" for character in text)
            broken += wrong
            accents += sum(character > "\x7f" for character in text) - wrong
        piece = file.read(PIECE_BYTES)
    broken += len(decoder.decode(b"", final=True))
    if nulls > total // 10:
        raise FeedError("The file is not text; save it as CSV (UTF-8) first.")
    return broken, accents
