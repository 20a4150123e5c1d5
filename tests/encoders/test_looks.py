"""A look survives another size, format and quality, and tells photos apart."""

import io
import random

import pytest
from PIL import Image, ImageDraw

from similarity.encoders import looks
from similarity.encoders.images import decode


def picture(seed, size=(400, 400)):
    """Blocks in colours drawn by ``seed`` on a light ground, as shops have their photos."""
    dice = random.Random(seed)
    image = Image.new("RGB", size, (240, 240, 240))
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        left, top = dice.randrange(60, 200), dice.randrange(60, 200)
        box = (left, top, left + dice.randrange(40, 140), top + dice.randrange(40, 140))
        draw.rectangle(box, fill=tuple(dice.randrange(256) for _ in range(3)))
    return image


def placeholder():
    image = Image.new("RGB", (400, 400), (225, 225, 225))
    ImageDraw.Draw(image).rectangle((120, 140, 280, 260), outline=(160, 160, 160), width=6)
    return image


def look(image, kind="PNG", **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return looks.look_of(decode(data.getvalue()))


COPIES = {
    "as JPEG": lambda image: look(image, "JPEG", quality=90),
    "as a bad JPEG": lambda image: look(image, "JPEG", quality=30),
    "as WebP": lambda image: look(image, "WEBP", quality=60),
    "in a palette": lambda image: look(image.quantize(64), "GIF"),
    "at half the size": lambda image: look(image.resize((200, 200)), "JPEG", quality=80),
    "small": lambda image: look(image.resize((120, 120)), "JPEG", quality=60),
    "larger": lambda image: look(image.resize((900, 900)), "PNG"),
    "on a transparent ground": lambda image: look(image.convert("RGBA"), "PNG"),
}


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("image", [placeholder(), picture(1), picture(2), picture(3)])
def test_a_copy_is_found_and_is_the_same(image, copy):
    own, other = look(image), COPIES[copy](image)
    assert looks.is_same(own, other)
    assert looks.name_of_look(other) in looks.names_of_look(own)
    assert looks.names_of_look(own)[0] == looks.name_of_look(own)


def test_other_pictures_are_not_the_same():
    every = [look(picture(seed)) for seed in range(30)] + [look(placeholder())]
    assert len(set(map(looks.name_of_look, every))) == 31
    pairs = [(one, other) for at, one in enumerate(every) for other in every[:at]]
    assert not any(looks.is_same(*pair) for pair in pairs)


def test_a_colour_variant_is_another_picture():
    red, blue = (Image.new("RGB", (200, 200), "white") for _ in range(2))
    ImageDraw.Draw(red).ellipse((40, 40, 160, 160), fill=(200, 40, 40))
    ImageDraw.Draw(blue).ellipse((40, 40, 160, 160), fill=(60, 60, 200))
    assert not looks.is_same(look(red), look(blue))


def test_small_things_on_white_are_told_apart():
    """They share most of their fields, and a placeholder they are not."""
    small = []
    for at in range(4):
        image = Image.new("RGB", (400, 400), "white")
        box = (170, 170, 230 + 10 * at, 230)
        ImageDraw.Draw(image).rectangle(box, fill=(30 * at, 90, 120))
        small.append(look(image))
    assert not any(looks.is_same(small[one], small[one - 1]) for one in range(1, 4))


def test_names_are_few():
    assert all(len(looks.names_of_look(look(picture(seed)))) <= 16 for seed in range(10))
