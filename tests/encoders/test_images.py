import gc
import io
import logging
import random
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from similarity.catalog.content import ImageRef, ProductContent
from similarity.catalog.picture_header import FORMATS
from similarity.encoders import images, picture_decoder
from similarity.encoders.images import PhotoCache, check_image, decode, on_white, photos
from similarity.encoders.picture_decoder import MAX_SIDE
from similarity.exceptions import ImageRejected
from tests.encoders.photos import content, picture, ref, saved


@pytest.mark.parametrize("kind", FORMATS)
def test_every_allowed_format_decodes(kind):
    image = decode(saved(picture(), kind))
    assert (image.mode, image.size) == ("RGB", (60, 40))
    red, green, _ = image.getpixel((22, 15))
    assert red > 200
    assert green < 80


def test_a_host_checks_a_photo_before_it_stores_it():
    photo = saved(picture(), "PNG")
    assert check_image(photo) == "PNG"
    with pytest.raises(ImageRejected, match="at most are decoded; store a smaller one"):
        check_image(photo, max_pixels=60 * 40 - 1)
    with pytest.raises(ImageRejected, match="the most allowed; store a smaller one"):
        check_image(photo, max_bytes=len(photo) - 1)
    with pytest.raises(ImageRejected):
        check_image(photo[: len(photo) // 2])


@pytest.mark.parametrize("kind", ["TIFF", "PPM", "ICO", "TGA"])
def test_format_outside_the_list_is_rejected(kind):
    with pytest.raises(ImageRejected, match="none of the formats JPEG, PNG"):
        decode(saved(picture(), kind))


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "RGB"])
def test_every_colour_mode_comes_out_as_rgb_with_its_colours(mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    image = decode(saved(picture("black", mode=mode), kind))
    assert image.mode == "RGB"
    assert max(image.getpixel((22, 15))) < 30
    assert min(image.getpixel((2, 2))) > 225


def test_sixteen_bit_grey_is_scaled_not_clipped():
    """Clipping would turn a mid-grey 16-bit photo all white."""
    values = np.full((20, 20), 32768, np.uint16)
    image = decode(saved(Image.fromarray(values)))
    assert image.mode == "RGB"
    assert abs(image.getpixel((5, 5))[0] - 128) <= 1


def test_dark_sixteen_bit_grey_stays_dark():
    image = decode(saved(Image.fromarray(np.full((20, 20), 200, np.uint16))))
    assert image.getpixel((5, 5)) == (0, 0, 0)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_is_kept_for_colour_and_white_for_networks(mode):
    layered = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    layered.paste((10, 10, 10, 255), (5, 5, 15, 15))
    if mode == "PA":
        data = saved(layered.quantize(8), "PNG")
    else:
        data = saved(layered.convert(mode), "PNG")
    image = decode(data)
    assert image.mode == "RGBA"
    assert image.getchannel("A").getextrema() == (0, 255)
    flat = on_white(image)
    assert flat.mode == "RGB"
    assert flat.getpixel((0, 0)) == (255, 255, 255)
    assert max(flat.getpixel((10, 10))) < 30


def test_palette_with_a_transparent_colour_keeps_it():
    image = picture().quantize(4)
    white = image.getpixel((1, 1))
    assert decode(saved(image, "GIF", transparency=white)).mode == "RGBA"


def test_opaque_alpha_channel_is_dropped():
    assert decode(saved(picture(mode="RGBA"))).mode == "RGB"


def test_exif_rotation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise
    image = decode(saved(picture(size=(60, 40)), "JPEG", exif=exif))
    assert image.size == (40, 60)


def test_rotation_survives_scaling_down():
    exif = Image.Exif()
    exif[0x0112] = 8
    image = decode(saved(picture(size=(1600, 800)), "JPEG", exif=exif))
    assert image.size == (256, 512)


@pytest.mark.filterwarnings("ignore")  # Pillow's own about the EXIF block
def test_broken_exif_does_not_spoil_a_sound_photo():
    image = decode(saved(picture(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff garbage"))
    assert image.size == (60, 40)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animation_gives_its_first_frame(kind):
    frames = [Image.new("RGB", (30, 30), colour) for colour in ("red", "green", "blue")]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    assert decode(data).getpixel((5, 5))[0] > 200


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "AVIF"])
def test_truncated_file_is_rejected(kind):
    noise = Image.effect_noise((120, 120), 90).convert("RGB")
    data = saved(noise, kind)
    with pytest.raises(ImageRejected):
        decode(data[: len(data) // 2])


def test_truncation_near_the_end_is_rejected_too():
    """Most of a photo with the rest grey would look like other halves."""
    data = saved(picture(size=(300, 300)), "JPEG")
    with pytest.raises(ImageRejected, match="truncated"):
        decode(data[:-400])


def test_large_photo_is_bounded_and_keeps_its_shape():
    image = decode(saved(picture(size=(3000, 1500)), "JPEG"))
    assert image.size == (512, 256)


def test_large_jpeg_is_decoded_at_a_fraction_of_its_size(monkeypatch):
    """Without draft mode a 12-megapixel photo takes a tenth of a second longer."""
    loaded = []
    load = ImageFile.ImageFile.load
    monkeypatch.setattr(
        ImageFile.ImageFile, "load", lambda self: loaded.append(self.size) or load(self)
    )
    picture_decoder.decode(saved(picture(size=(4000, 3000)), "JPEG"), FORMATS, 12_000_000)
    assert loaded[0] == (1000, 750)


def test_too_many_bytes_are_rejected(settings):
    data = saved(picture())
    settings.SIMILARITY = {"IMAGES": {"MAX_BYTES": len(data) - 1}}
    with pytest.raises(ImageRejected, match=r"\[\'MAX_BYTES\'\]"):
        decode(data)
    settings.SIMILARITY = {"IMAGES": {"MAX_BYTES": len(data)}}
    assert decode(data).size == (60, 40)


def test_too_many_pixels_are_rejected_before_decoding(settings, monkeypatch):
    settings.SIMILARITY = {"IMAGES": {"MAX_PIXELS": 60 * 40 - 1}}
    monkeypatch.setattr(images.pool, "decode", lambda *args: pytest.fail("a child was asked"))
    with pytest.raises(ImageRejected, match=r"60 × 40 pixels.*MAX_PIXELS"):
        decode(saved(picture()))


@pytest.mark.parametrize("side", [8_000, 12_000, 30_000])
def test_decompression_bomb_is_rejected_from_its_header(side):
    """A hundred kilobytes that would unpack to gigabytes."""
    header = io.BytesIO(saved(Image.new("1", (8, 8))))
    data = bytearray(header.getvalue())
    data[16:24] = side.to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    with pytest.raises(ImageRejected):
        decode(bytes(data))


@given(st.binary(max_size=400))
def test_random_bytes_never_raise_anything_else(data):
    with pytest.raises(ImageRejected):
        decode(data)


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_files_are_decoded_or_rejected_never_worse(kind):
    """Real headers lead further into the decoders than random bytes do."""
    sound = saved(picture(), kind)
    dice = random.Random(7)
    for _ in range(150):
        data = bytearray(sound)
        for _ in range(dice.randint(1, 8)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            image = decode(bytes(data))
        except ImageRejected:
            continue
        assert image.mode in ("RGB", "RGBA")
        assert max(image.size) <= MAX_SIDE


def test_bad_photos_are_logged_and_left_out(caplog):
    def missing(limit):
        raise OSError("no such file")

    good = ref(saved(picture()), "good.png")
    bad = [ref(b"not an image", "bad.png"), ImageRef("gone.png", missing)]
    product = ProductContent(key="17", title="x", images=[bad[0], good, bad[1]])
    with caplog.at_level(logging.WARNING):
        found = photos(product)
    assert [image.size for image in found] == [(60, 40)]
    assert "Product 17" in caplog.text
    assert "'bad.png'" in caplog.text
    assert "'gone.png'" in caplog.text


def test_photo_is_read_and_decoded_once_for_all_encoders():
    reads = []
    data = saved(picture())

    def read(limit):
        reads.append(limit)
        return data

    product = ProductContent(key="1", title="x", images=[ImageRef("a.png", read)])
    assert photos(product)[0] is photos(product)[0]
    assert len(reads) == 1


def test_bad_photo_is_read_and_logged_once(caplog):
    product = content("1", b"nothing")
    photos(product)
    photos(product)
    assert caplog.text.count("continues without") == 1


def test_decoded_photos_are_let_go_with_their_batch():
    """A worker that runs for weeks keeps no photo of yesterday."""
    product = content("1", saved(picture()), saved(picture("blue")))
    before = len(images._cache)
    photos(product)
    assert len(images._cache) == before + 2
    del product
    gc.collect()
    assert len(images._cache) <= before


def test_same_name_with_other_bytes_is_not_mistaken():
    old, new = ref(saved(picture("red"))), ref(saved(picture("blue")))
    first = photos(ProductContent(key="1", title="x", images=[old]))[0]
    second = photos(ProductContent(key="1", title="x", images=[new]))[0]
    assert first.getpixel((22, 15)) != second.getpixel((22, 15))


def test_cache_is_bounded():
    cache = PhotoCache(size=3)
    refs = [ref(b"x") for _ in range(10)]
    for one in refs:
        cache.get(one, lambda: picture())
    assert len(cache) == 3
