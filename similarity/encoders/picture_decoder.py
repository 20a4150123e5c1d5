"""A picture decoder for a separate process, which may be ended at any picture.

:mod:`similarity.encoders.decoder_processes` starts it as a script. It imports neither Django nor
numpy, so that it starts fast and stays small. It reads requests from its standard input, writes
answers to its standard output, and ends with its input.
"""

import io
import resource
import signal
import struct
import sys
import warnings
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

#: Bytes of the file, most pixels, most bytes of memory, most seconds of the processor.
REQUEST = struct.Struct("<QQQd")
#: Mode of the picture or REFUSED, width, height, bytes of pixels or of the reason that follow.
ANSWER = struct.Struct("<4sIIQ")
REFUSED = b"none"

#: Longest side of a decoded picture in pixels: larger than the networks' input, and small enough (1
#: MB) that a batch of products fits in memory.
MAX_SIDE = 512

_CANNOT = "cannot be decoded ({}: {})"


class PictureRefused(Exception):
    """The picture is not decoded; the message continues a sentence that begins "The image"."""


def decode(data: bytes, formats: tuple[str, ...], most_pixels: int) -> Image.Image:
    """Decode a picture: RGB or RGBA, upright, ``MAX_SIDE`` pixels at most on its longest side.

    Raises :class:`PictureRefused` for a picture that has more than ``most_pixels``, is damaged, or
    needs more memory than this process may take.
    """
    try:
        return _decode(data, formats, most_pixels)
    except PictureRefused:
        raise
    except MemoryError as error:
        raise PictureRefused("needs too much memory to decode") from error
    except UnidentifiedImageError as error:
        raise PictureRefused(_CANNOT.format("not what it begins like", "no decoder")) from error
    except Exception as error:
        # Untrusted bytes: on bytes that break their format, Pillow's decoders raise OSError,
        # SyntaxError, ValueError, struct.error, KeyError and more.
        raise PictureRefused(_CANNOT.format(type(error).__name__, str(error)[:300])) from error


def serve(requests: BinaryIO, answers: BinaryIO, formats: tuple[str, ...]) -> None:
    """Answer each request in turn, until the input ends."""
    used_bytes = _address_space()
    while len(head := requests.read(REQUEST.size)) == REQUEST.size:
        size, most_pixels, memory_bytes, cpu_s = REQUEST.unpack(head)
        data = requests.read(size)
        if len(data) < size:
            return
        _limit_memory(used_bytes + memory_bytes if used_bytes else 0)
        signal.setitimer(signal.ITIMER_PROF, cpu_s)  # ends this process when it has run out
        try:
            image = decode(data, formats, most_pixels)
            head, body = image.mode.encode(), image.tobytes()
            width, height = image.size
        except PictureRefused as refused:
            head, body, width, height = REFUSED, str(refused).encode("utf-8", "replace"), 0, 0
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(ANSWER.pack(head.ljust(4), width, height, len(body)) + body)
        answers.flush()


def _decode(data: bytes, formats: tuple[str, ...], most_pixels: int) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=formats)
    width, height = image.size
    if width * height > most_pixels:  # the header may have given another size
        raise PictureRefused(f"has {width} × {height} pixels, {most_pixels} at most are decoded")
    image.draft(None, (MAX_SIDE, MAX_SIDE))  # a JPEG at 1/2, 1/4 or 1/8 of its size
    image.load()
    small = _eight_bits(image)
    small.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BICUBIC)
    return _upright(small)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return the picture as RGB, or as RGBA if some pixel is transparent."""
    if image.mode.startswith(("I", "F")):
        grey = image.convert("I")
        highest: float = grey.getextrema()[1]  # type: ignore[assignment]
        top = 65535 if image.mode.startswith("I;16") or highest > 255 else 255
        table = [min(value * 255 // top, 255) for value in range(65536)]
        return grey.point(table, "L").convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    lowest, _ = image.getchannel("A").getextrema()
    return image if lowest < 255 else image.convert("RGB")  # type: ignore[operator]


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 - a broken EXIF block does not spoil a sound photo
        return image


def _address_space() -> int:
    """Return this process's address space in bytes; 0 if the system does not report it."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _limit_memory(most: int) -> None:
    if most:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker ends it, also after Ctrl-C
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None  # serve() sets its own limit for each picture
    serve(sys.stdin.buffer, sys.stdout.buffer, tuple(sys.argv[1:]))
