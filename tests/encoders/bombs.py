"""Pictures of few bytes that cost a decoder much, made by hand."""

import struct
import zlib

from PIL import Image

from tests.encoders.photos import picture, saved


def jpeg_of_scans(scans: int, side: int = 2400) -> bytes:
    """A progressive JPEG whose last scan, which touches every block, is repeated."""
    data = saved(Image.new("L", (side, side), 90), "JPEG", progressive=True, quality=30)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


def jpeg_of_segments(count: int) -> bytes:
    data = saved(picture(), "JPEG")
    return data[:2] + b"\xff\xfe\0\2" * count + data[2:]


def png_of_chunks(count: int) -> bytes:
    data = saved(picture())
    chunk = struct.pack(">I4sI", 0, b"abCd", zlib.crc32(b"abCd"))
    return data[:33] + chunk * count + data[33:]


def gif_of_comments(count: int) -> bytes:
    data = saved(Image.new("L", (8, 8)), "GIF")
    start = 13 + 3 * (2 << (data[10] & 7))
    return data[:start] + b"!\xfe" + b"\x01a" * count + b"\0" + data[start:]
