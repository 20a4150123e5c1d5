"""A picture's decoding cost, read from its bytes without decoding it.

Size alone does not bound the cost: 100 KB of a progressive JPEG can hold hundreds of scans, and
each scan goes over every pixel. Web machines check uploads with this module and need no Pillow.
"""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from similarity import conf
from similarity.exceptions import ImageRejected

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")

#: Most scans of a JPEG. Encoders write 10 for a progressive photo in colour, 18 in CMYK.
MAX_SCANS = 24
#: Most segments, chunks or blocks that a reader steps over. A PNG of 20 MB has 2,500.
MAX_PARTS = 8192
#: Most bytes and most pixels of a picture that a shopper searches by. Phones take 24 million.
QUERY_MAX_BYTES = 5 * 1024 * 1024
QUERY_MAX_PIXELS = 25_000_000

#: (format, offset, bytes) at the start of a file of the format.
_SIGNATURES = (
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("GIF", 0, b"GIF8"),
    ("BMP", 0, b"BM"),
    ("WEBP", 8, b"WEBP"),
    ("AVIF", 4, b"ftypavif"),
    ("AVIF", 4, b"ftypavis"),
    ("AVIF", 4, b"ftypmif1"),  # by some encoders
)

#: A marker, after any bytes before it: neither data (FF 00), a restart nor a fill byte.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN = 0xD8, 0xD9, 0xDA
_AVIF_SIZE = re.compile(rb"ispe\x00{4}(.{4})(.{4})", re.DOTALL)


class Limits(NamedTuple):
    """Limits of a picture's cost; ``remedy`` is advice to the owner of a picture over them."""

    bytes: int
    pixels: int
    remedy: str

    @classmethod
    def of_photo(cls) -> "Limits":
        """Return the limits of a product's photo."""
        remedy = "make it smaller or raise SIMILARITY['IMAGES']['{}']"
        return cls(conf.get("IMAGES", "MAX_BYTES"), conf.get("IMAGES", "MAX_PIXELS"), remedy)

    @classmethod
    def of_query(cls) -> "Limits":
        """Return the limits of a picture that a shopper searches by."""
        most = QUERY_MAX_BYTES, QUERY_MAX_PIXELS
        return cls(*most, "send a smaller one")


class Header(NamedTuple):
    """A picture's header: ``kind`` is in ``FORMATS``; ``width`` and ``height`` are in pixels."""

    kind: str
    width: int
    height: int


def check_cost(data: bytes, limits: Limits) -> Header:
    """Read the header of a picture that is worth decoding.

    Raises :class:`ImageRejected` for data over the limits, in none of ``FORMATS``, with more than
    ``MAX_SCANS`` scans or ``MAX_PARTS`` parts, or with a header without a size.
    """
    if len(data) > limits.bytes:
        remedy = limits.remedy.format("MAX_BYTES")
        raise ImageRejected(
            f"The image has more than {limits.bytes} bytes, the most allowed; {remedy}."
        )
    kind = image_format(data)
    if not kind:
        raise ImageRejected(f"The image is in none of the formats {', '.join(FORMATS)}.")
    try:
        width, height = _READERS[kind](data)
    except (struct.error, IndexError):
        width, height = 0, 0
    if width <= 0 or height <= 0:
        raise ImageRejected(
            f"The file begins like a {kind} image, but its header has no size; send or store "
            "another."
        )
    if width * height > limits.pixels:
        remedy = limits.remedy.format("MAX_PIXELS")
        raise ImageRejected(
            f"The image has {width} × {height} pixels, {limits.pixels} at most are decoded; "
            f"{remedy}."
        )
    return Header(kind, width, height)


def image_format(data: bytes) -> str:
    """Return the format by the first bytes, such as ``"JPEG"``; "" if it is none of ``FORMATS``."""
    for kind, at, sign in _SIGNATURES:
        if data[at : at + len(sign)] == sign:
            return kind
    return ""


def _jpeg(data: bytes) -> tuple[int, int]:
    width = height = scans = 0
    for code, at in _jpeg_segments(data):
        if code == _START_OF_SCAN:
            scans += 1
            if scans > MAX_SCANS:
                raise ImageRejected(
                    f"The JPEG has more than {MAX_SCANS} scans, each of which is decoded in full; "
                    "save it again."
                )
        elif code in _FRAMES:
            sides = struct.unpack_from(">HH", data, at + 3)
            height, width = max(height, sides[0]), max(width, sides[1])
    return width, height


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (code of the marker, start of its segment), up to the end of the first image."""
    at = 2
    for _ in range(MAX_PARTS):
        found = _MARKER.search(data, at)
        if found is None or found[1][0] == _END_OF_IMAGE:
            return
        at = found.end()
        yield found[1][0], at
        if found[1][0] != _START_OF_IMAGE and at + 2 <= len(data):
            at += struct.unpack_from(">H", data, at)[0]
    raise _too_many("JPEG")


def _png(data: bytes) -> tuple[int, int]:
    at = 8
    for _ in range(MAX_PARTS):
        if at + 8 > len(data) or data[at + 4 : at + 8] == b"IEND":
            width, height = struct.unpack_from(">II", data, 16)
            return (width, height) if data[12:16] == b"IHDR" else (0, 0)
        at += 12 + struct.unpack_from(">I", data, at)[0]
    raise _too_many("PNG")


def _gif(data: bytes) -> tuple[int, int]:
    """Return the larger of the screen and the first frame, because only those are decoded."""
    screen = struct.unpack_from("<HH", data, 6)
    at = 13 + _colours(data[10])
    for _ in range(MAX_PARTS):
        if data[at] != 0x21 and data[at] != 0x2C:
            at += 1  # decoders skip bytes they do not know
        elif data[at] == 0x2C:
            left, top, width, height = struct.unpack_from("<HHHH", data, at + 1)
            return max(screen[0], left + width), max(screen[1], top + height)
        else:
            at = _gif_blocks_end(data, at + 2)
    raise _too_many("GIF")


def _gif_blocks_end(data: bytes, at: int) -> int:
    for _ in range(MAX_PARTS):
        if not data[at]:
            return at + 1
        at += 1 + data[at]
    raise _too_many("GIF")


def _colours(flags: int) -> int:
    """Return the bytes of a GIF's table of colours."""
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


def _bmp(data: bytes) -> tuple[int, int]:
    if struct.unpack_from("<I", data, 14)[0] == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return width, abs(height)  # a negative height: the first row is the upper row


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        sides = struct.unpack("<II", data[24:27] + b"\0" + data[27:30] + b"\0")
        return sides[0] + 1, sides[1] + 1
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _avif(data: bytes) -> tuple[int, int]:
    """Return the size of the largest item, because a preview and a mask have their own sizes."""
    found = _AVIF_SIZE.findall(data, 0, 64 * 1024)
    sides = [(int.from_bytes(width), int.from_bytes(height)) for width, height in found]
    return max(sides, key=lambda side: side[0] * side[1], default=(0, 0))


def _too_many(kind: str) -> ImageRejected:
    return ImageRejected(f"The {kind} image has more than {MAX_PARTS} parts; save it again.")


_READERS = {
    "JPEG": _jpeg,
    "PNG": _png,
    "GIF": _gif,
    "BMP": _bmp,
    "WEBP": _webp,
    "AVIF": _avif,
}
