"""What a picture costs is told by its bytes, in time that does not grow with the cost."""

import struct
import time

import pytest
from PIL import Image

from similarity.catalog import picture_header
from similarity.catalog.picture_header import FORMATS, MAX_PARTS, MAX_SCANS, Limits, check_cost
from similarity.exceptions import ImageRejected
from tests.encoders import bombs
from tests.encoders.photos import picture, saved

LIMITS = Limits(20 * 1024 * 1024, 40_000_000, "save it anew")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("size", [(1, 1), (40, 30), (301, 7), (9, 1025)])
def test_the_size_is_what_pillow_reads(kind, size):
    assert check_cost(saved(picture(size=size), kind), LIMITS) == (kind, *size)


@pytest.mark.parametrize("options", [{"lossless": True}, {"exif": b"Exif\0\0"}])
def test_the_other_kinds_of_webp_have_their_size(options):
    data = saved(picture(size=(77, 31)), "WEBP", **options)
    assert check_cost(data, LIMITS)[1:] == (77, 31)


def test_a_bmp_that_begins_with_its_first_row_has_its_size():
    data = bytearray(saved(picture(size=(40, 30)), "BMP"))
    data[22:26] = struct.pack("<i", -30)
    assert check_cost(bytes(data), LIMITS)[1:] == (40, 30)


def test_a_frame_of_a_gif_that_is_larger_than_its_screen_counts():
    """Decoders make the screen larger, so that the screen alone would hide the size."""
    data = bytearray(saved(Image.new("L", (8, 8)), "GIF"))
    frame = 13 + 3 * (2 << (data[10] & 7))
    assert data[frame] == 0x2C
    data[frame + 5 : frame + 9] = struct.pack("<HH", 9000, 9000)
    with pytest.raises(ImageRejected, match="9000 × 9000 pixels"):
        check_cost(bytes(data), LIMITS)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_progressive_jpeg_that_encoders_write_passes(mode):
    check_cost(saved(picture(mode=mode), "JPEG", progressive=True), LIMITS)


def test_a_jpeg_of_many_scans_is_refused_at_the_bound():
    few = bombs.jpeg_of_scans(1, 64).count(b"\xff\xda")
    check_cost(bombs.jpeg_of_scans(1 + MAX_SCANS - few, 64), LIMITS)
    with pytest.raises(ImageRejected, match=f"more than {MAX_SCANS} scans"):
        check_cost(bombs.jpeg_of_scans(2 + MAX_SCANS - few, 64), LIMITS)


@pytest.mark.parametrize(
    "hidden",
    [
        b"\xff\xe1\0\x08\xff\xda\xff\xda\xff\xda" * 30,  # in segments of an application
        b"\xff\xfe\0\x06\xff\xda\xff\xda" * 30,  # in comments
    ],
)
def test_what_looks_like_a_scan_inside_a_segment_is_none(hidden):
    """A preview inside the EXIF block is a whole JPEG."""
    data = saved(picture(), "JPEG")
    check_cost(data[:2] + hidden + data[2:], LIMITS)


def test_what_stands_behind_the_end_of_a_jpeg_is_not_decoded_and_not_counted():
    """As the film behind a photo that moves."""
    check_cost(saved(picture(), "JPEG") + b"\xff\xda" * 1000, LIMITS)


@pytest.mark.parametrize("gap", [b"", b"\xff" * 5, b"\0\x12", b"\xff\0", b"\xff\xd3"])
def test_scans_are_found_behind_whatever_lies_between_them(gap):
    """Decoders skip it, so that it would hide the scans from a stricter reader."""
    data = saved(picture(size=(64, 64)), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    with pytest.raises(ImageRejected, match="scans"):
        check_cost(data[:last] + (gap + data[last:-2]) * 40 + data[-2:], LIMITS)


@pytest.mark.parametrize(
    "make", [bombs.jpeg_of_segments, bombs.png_of_chunks, bombs.gif_of_comments]
)
def test_parts_that_a_reader_steps_over_are_bounded(make):
    check_cost(make(MAX_PARTS // 2), LIMITS)
    began = time.process_time()
    with pytest.raises(ImageRejected, match=f"more than {MAX_PARTS} parts"):
        check_cost(make(200_000), LIMITS)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("kind", FORMATS)
def test_a_header_that_is_cut_off_is_refused(kind):
    data = saved(picture(), kind)
    start = 12 if kind in ("WEBP", "AVIF") else 8
    with pytest.raises(ImageRejected, match=r"has no size|none of the formats"):
        check_cost(data[:start], LIMITS)


def test_a_shopper_is_told_of_no_setting(settings, monkeypatch):
    settings.SIMILARITY = {"IMAGES": {"MAX_PIXELS": 6}}
    monkeypatch.setattr("similarity.catalog.picture_header.QUERY_MAX_PIXELS", 5)
    with pytest.raises(ImageRejected, match="5 at most are decoded; send a smaller one"):
        check_cost(saved(picture()), Limits.of_query())
    with pytest.raises(ImageRejected, match=r"6 at most.*SIMILARITY\['IMAGES'\]\['MAX_PIXELS'\]"):
        check_cost(saved(picture()), Limits.of_photo())


def test_every_format_has_a_reader_and_a_sign():
    assert {kind for kind, *_ in picture_header._SIGNATURES} == set(FORMATS)
    assert set(picture_header._READERS) == set(FORMATS)
