"""Image files that somebody could upload, each with what must become of it.

``OK``: decoded and bounded. ``REJECTED``: refused with :class:`ImageRejected`. ``EITHER``: a
damaged file that may or may not decode, and may do nothing worse.
"""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image, PngImagePlugin

from tests.encoders.photos import picture, saved

OK, REJECTED, EITHER = "ok", "rejected", "either"
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")


class Case(NamedTuple):
    name: str
    data: bytes
    result: str


def every_case() -> list[Case]:
    """A few hundred cases, the same ones at each run."""
    makers = (
        *(_nothing, _wrong_type, _truncated, _bombs, _dimensions, _modes, _animated),
        *(_polyglots, _exif, _chunks, _flipped),
    )
    return [case for make in makers for case in make()]


def _noise(size: tuple[int, int] = (120, 120)) -> Image.Image:
    values = np.random.default_rng(5).integers(0, 255, (*size, 3), dtype=np.uint8)
    return Image.fromarray(values)


def _nothing() -> Iterator[Case]:
    for name, data in (
        ("empty", b""),
        ("one zero", b"\0"),
        ("zeros", b"\0" * 100_000),
        ("ones", b"\xff" * 100_000),
        ("blanks", b" \r\n\t" * 500),
        ("noise", random.Random(1).randbytes(50_000)),
    ):
        yield Case(f"nothing/{name}", data, REJECTED)
    for kind in FORMATS:
        yield Case(f"nothing/header of {kind}", saved(picture(), kind)[:12], REJECTED)


def _wrong_type() -> Iterator[Case]:
    for name, data in {
        "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n%%EOF",
        "html": b"<!doctype html><script>alert(1)</script>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "svg with entities": b'<!DOCTYPE s [<!ENTITY a "aaaa">]><svg>&a;&a;&a;</svg>',
        "xml": b"<?xml version='1.0'?><a/>",
        "json": b'{"image": "data:image/png;base64,AAAA"}',
        "text": "Ein Bild einer Schüssel".encode(),
        "php": b"<?php system($_GET['c']); ?>",
        "shell": b"#!/bin/sh\nrm -rf /\n",
        "elf": b"\x7fELF\x02\x01\x01" + b"\0" * 200,
        "exe": b"MZ\x90\x00\x03" + b"\0" * 200,
        "java class": b"\xca\xfe\xba\xbe\0\0\0\x34",
        "gzip": zlib.compress(b"x" * 1000, wbits=31),
        "zip": _zipped(),
        "mp3": b"ID3\x04\0\0\0\0\0\x21" + b"\0" * 100,
        "mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        "webm": b"\x1aE\xdf\xa3\x01\0\0\0",
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0heicmif1",
        "jpeg xl": b"\xff\x0a\xfa\x1f",
        "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
        "psd": b"8BPS\0\x01" + b"\0" * 40,
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n",
        "wmf": b"\xd7\xcd\xc6\x9a" + b"\0" * 40,
        "fits": b"SIMPLE  =                    T" + b" " * 2850,
        "xpm": b'/* XPM */ static char *x[] = {"1 1 1 1","a c red","a"};',
        "xbm": b"#define a_width 1\n#define a_height 1\nstatic char a_bits[] = {1};",
        "qoi": b"qoif\0\0\0\x08\0\0\0\x08\x04\0" + b"\0" * 30,
        "dds": b"DDS |\0\0\0" + b"\0" * 120,
        "mpo marker": b"MPF\0II*\0",
        "sqlite": b"SQLite format 3\0" + b"\0" * 100,
        "pickle": b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8c\x07nothing\x94.",
        "numpy": b"\x93NUMPY\x01\0v\0{'descr': '<f8'}",
    }.items():
        yield Case(f"wrong type/{name}", data, REJECTED)
    for kind in ("TIFF", "PPM", "ICO", "TGA", "PCX", "SGI", "ICNS", "JPEG2000", "DDS"):
        image = picture(size=(64, 64))
        yield Case(f"wrong type/{kind}", saved(image, kind), REJECTED)


def _zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.php", "<?php echo 1; ?>")
    return buffer.getvalue()


def _truncated() -> Iterator[Case]:
    for kind in FORMATS:
        data = saved(_noise(), kind)
        for tenths in range(1, 10):
            end = len(data) * tenths // 10
            yield Case(f"truncated/{kind} to {tenths}0 %", data[:end], REJECTED)


def _png(width: int, height: int, *, depth: int = 8, colour: int = 2, data: bytes = b"") -> bytes:
    """A PNG that claims a size, whatever it holds."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", data or zlib.compress(b"\0" * 100))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _bombs() -> Iterator[Case]:
    for side in (7_000, 20_000, 65_535, 1_000_000, 2**31 - 1):
        yield Case(f"bomb/png of {side} squared", _png(side, side), REJECTED)
    yield Case("bomb/png of one row", _png(2**31 - 1, 1), REJECTED)
    yield Case("bomb/png of one column", _png(1, 2**31 - 1), REJECTED)
    yield Case("bomb/png of no size", _png(0, 0), REJECTED)
    yield Case("bomb/png of no width", _png(0, 9), REJECTED)
    # A gigabyte of zeros in a megabyte, for a picture of eight by eight.
    squeezed = zlib.compressobj(9)
    flood = b"".join(squeezed.compress(b"\0" * 2**20) for _ in range(300)) + squeezed.flush()
    yield Case("bomb/png with more data than pixels", _png(8, 8, data=flood), EITHER)
    for kind, of in ((b"zTXt", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0"), (b"iCCP", b"a\0\0")):
        sound = saved(picture())
        bomb = _chunk(kind, of + flood)
        yield Case(f"bomb/{kind.decode()} chunk", sound[:33] + bomb + sound[33:], EITHER)
    bmp = bytearray(saved(picture(), "BMP"))
    for side in (30_000, 2**31 - 1):
        bmp[18:26] = struct.pack("<ii", side, side)
        yield Case(f"bomb/bmp of {side} squared", bytes(bmp), REJECTED)
    bmp[18:26] = struct.pack("<ii", -5, -5)
    yield Case("bomb/bmp of negative size", bytes(bmp), REJECTED)
    gif = bytearray(saved(picture(), "GIF"))
    gif[6:10] = struct.pack("<HH", 65_535, 65_535)
    yield Case("bomb/gif of 65535 squared", bytes(gif), REJECTED)
    jpeg = saved(picture(), "JPEG")
    frame = jpeg.index(b"\xff\xc0")
    wide = jpeg[: frame + 5] + struct.pack(">HH", 65_535, 65_535) + jpeg[frame + 9 :]
    yield Case("bomb/jpeg of 65535 squared", wide, REJECTED)
    webp = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\xff" * 2 + b"\0" * 8
    yield Case("bomb/webp of 16777216 squared", webp, REJECTED)
    yield Case("bomb/too many bytes", jpeg + b"\0" * (21 * 2**20), REJECTED)


def _dimensions() -> Iterator[Case]:
    for size in ((1, 1), (1, 5000), (5000, 1), (2, 9999), (16_000, 2), (6000, 4000), (513, 511)):
        for kind in ("JPEG", "PNG"):
            data = saved(Image.new("RGB", size, "navy"), kind)
            yield Case(f"dimensions/{kind} {size[0]} × {size[1]}", data, OK)
    for kind in ("WEBP", "GIF", "BMP", "AVIF"):
        yield Case(f"dimensions/{kind} 1 × 1", saved(Image.new("RGB", (1, 1)), kind), OK)


def _modes() -> Iterator[Case]:
    base = picture(size=(64, 64))
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        yield Case(f"modes/png {mode}", saved(base.convert(mode)), OK)
    for mode in ("L", "RGB", "CMYK", "YCbCr"):
        yield Case(f"modes/jpeg {mode}", saved(base.convert(mode), "JPEG"), OK)
    for options in ({"progressive": True}, {"quality": 1}, {"quality": 100}, {"subsampling": 2}):
        yield Case(f"modes/jpeg {options}", saved(base, "JPEG", **options), OK)
    for options in ({"lossless": True}, {"quality": 0}, {"method": 6}):
        yield Case(f"modes/webp {options}", saved(base, "WEBP", **options), OK)
    grey = np.linspace(0, 65_535, 64 * 64).reshape(64, 64).astype(np.uint16)
    yield Case("modes/png 16-bit grey", saved(Image.fromarray(grey)), OK)
    yield Case("modes/png 16-bit colour", _sixteen_bit_colour(), OK)
    for depth in (1, 2, 4):
        yield Case(f"modes/png {depth}-bit palette", saved(base.quantize(2**depth)), OK)
    yield Case("modes/png transparent", saved(Image.new("RGBA", (9, 9), (0, 0, 0, 0))), OK)
    yield Case("modes/png interlaced claim", _interlaced(saved(base)), EITHER)


def _sixteen_bit_colour() -> bytes:
    row = b"\0" + b"\x12\x34" * 3 * 8
    return _png(8, 8, depth=16, data=zlib.compress(row * 8))


def _interlaced(data: bytes) -> bytes:
    header = data[12:28] + b"\x01"
    return data[:28] + b"\x01" + struct.pack(">I", zlib.crc32(header)) + data[33:]


def _animated() -> Iterator[Case]:
    frames = [Image.new("RGB", (40, 40), (at % 256, 0, 0)) for at in range(300)]
    for kind in ("GIF", "WEBP", "PNG", "AVIF"):
        few = frames[:: 1 if kind == "GIF" else 20]
        data = saved(few[0], kind, save_all=True, append_images=few[1:])
        yield Case(f"animated/{kind} of {len(few)} frames", data, OK)


def _polyglots() -> Iterator[Case]:
    sound = {kind: saved(picture(), kind) for kind in ("JPEG", "PNG", "GIF", "WEBP")}
    tails = {
        "zip": _zipped(),
        "html": b"<script>alert(1)</script>",
        "php": b"<?php system($_GET['c']); ?>",
        "another image": sound["GIF"],
        "a megabyte": b"A" * 2**20,
    }
    for kind, data in sound.items():
        for name, tail in tails.items():
            yield Case(f"polyglot/{kind} with {name} behind", data + tail, OK)
        yield Case(f"polyglot/pdf in front of {kind}", b"%PDF-1.7\n" + data, REJECTED)
    yield Case("polyglot/gif that is script", b"GIF89a=1;alert(1)//" + b"\0" * 40, REJECTED)
    comment = saved(picture(), "GIF", comment=b"*/=1;alert(document.domain)/*")
    yield Case("polyglot/gif with script for a comment", comment, OK)
    yield Case("polyglot/riff that is sound", b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 40, REJECTED)


def _exif() -> Iterator[Case]:
    for orientation in (*range(1, 9), 0, 9, 255, 65_535):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield Case(f"exif/orientation {orientation}", saved(picture(), "JPEG", exif=exif), OK)
    for name, block in {
        "garbage": b"Exif\0\0MM\0*\xff\xff\xff\xff",
        "loop": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\x08",
        "cut": b"Exif\0\0II*\0",
        "no header": b"hello",
        "huge count": b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x03\xff\xff\xff\xff" * 5,
    }.items():
        yield Case(f"exif/{name}", saved(picture(), "JPEG", exif=block), OK)


def _chunks() -> Iterator[Case]:
    sound = saved(picture())
    broken = bytearray(sound)
    broken[-20] ^= 0xFF
    yield Case("chunks/png with a wrong checksum", bytes(broken), EITHER)
    yield Case("chunks/png without its end", sound[:-12], EITHER)
    yield Case("chunks/png without data", _png(8, 8, data=zlib.compress(b"")), REJECTED)
    yield Case("chunks/png of an unknown kind", _png(8, 8, colour=7), REJECTED)
    yield Case("chunks/png of depth 3", _png(8, 8, depth=3), REJECTED)
    about = PngImagePlugin.PngInfo()
    for at in range(200):
        about.add_text(f"k{at}", "v" * 500)
    yield Case("chunks/png with much text", saved(picture(), pnginfo=about), OK)
    jpeg = saved(picture(), "JPEG")
    marker = b"\xff\xe5" + struct.pack(">H", 65_535) + b"x" * 65_533
    yield Case("chunks/jpeg with big markers", jpeg[:2] + marker * 20 + jpeg[2:], OK)
    yield Case(
        "chunks/jpeg with a marker too long", jpeg[:2] + b"\xff\xe5\xff\xff" + jpeg[2:], EITHER
    )
    profile = b"not a profile" * 10
    yield Case("chunks/png with a bad profile", saved(picture(), icc_profile=profile), OK)


def _flipped() -> Iterator[Case]:
    for kind in FORMATS:
        sound = saved(picture(), kind)
        dice = random.Random(f"flip {kind}")
        for number in range(10):
            data = bytearray(sound)
            for _ in range(dice.randint(1, 12)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            yield Case(f"flipped/{kind} {number}", bytes(data), EITHER)
