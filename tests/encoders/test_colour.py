"""Colours as a shopper sees them: near colours near, backgrounds left out."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from similarity.catalog.content import ImageRef, ProductContent
from similarity.encoders.cielab import appearance, palette, srgb_to_lab
from similarity.encoders.colour import ColourEncoder
from similarity.exceptions import EncoderError


def photo(image: Image.Image, kind: str = "PNG") -> ImageRef:
    file = io.BytesIO()
    image.save(file, kind)
    data = file.getvalue()
    return ImageRef(name="photo", read=lambda limit: data[: limit + 1])


def shirt(colour, background="white") -> Image.Image:
    image = Image.new("RGB", (120, 120), background)
    ImageDraw.Draw(image).rectangle((30, 20, 90, 110), fill=colour)
    return image


def product(*images: Image.Image) -> ProductContent:
    return ProductContent(key="1", title="", images=[photo(image) for image in images])


def likeness(first: ProductContent, second: ProductContent) -> float:
    vectors = ColourEncoder().encode([first, second]).vectors
    return float(vectors[0] @ vectors[1])


def test_cielab_of_known_colours():
    rgb = np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 128]], dtype=np.uint8)
    # Values of the CIE formulas for sRGB under D65.
    expected = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [12.97, 47.51, -64.70]]
    assert np.allclose(srgb_to_lab(rgb), expected, atol=0.05)


@pytest.mark.parametrize(
    ("colour", "nearer", "farther"),
    [
        ("navy", "blue", "red"),
        ("navy", "black", "yellow"),
        ("maroon", "red", "green"),
        ("olive", "green", "blue"),
        ("pink", "hotpink", "green"),
        ("beige", "white", "navy"),
        ("black", "dimgray", "white"),
    ],
)
def test_near_colours_have_near_vectors(colour, nearer, farther):
    assert likeness(product(shirt(colour)), product(shirt(nearer))) > likeness(
        product(shirt(colour)), product(shirt(farther))
    )


@pytest.mark.parametrize("background", ["white", "#f3f3f3", "lightblue", "black"])
def test_an_even_background_is_ignored(background):
    assert likeness(product(shirt("red")), product(shirt("red", background))) > 0.98


def test_a_transparent_background_is_ignored():
    cut_out = Image.new("RGBA", (120, 120), (0, 255, 0, 0))
    ImageDraw.Draw(cut_out).rectangle((30, 20, 90, 110), fill=(255, 0, 0, 255))
    assert likeness(product(shirt("red")), product(cut_out)) > 0.98


def test_a_white_shirt_on_white_is_white_and_not_the_grey_of_its_seams():
    image = Image.new("RGB", (120, 120), "white")
    ImageDraw.Draw(image).rectangle((30, 20, 90, 110), outline="#b0b0b0", width=2)
    assert likeness(product(image), product(shirt("white", "navy"))) > 0.8


def test_a_photo_that_is_all_background_counts_as_a_whole():
    blank = Image.new("RGB", (50, 50), "white")
    encoded = ColourEncoder().encode([product(blank)])
    assert encoded.present.all()
    assert np.isfinite(encoded.vectors).all()
    assert likeness(product(blank), product(shirt("white", "navy"))) > 0.98


def test_several_photos_count_alike():
    red_and_blue = product(shirt("red"), shirt("blue"))
    both = [likeness(red_and_blue, product(shirt(colour))) for colour in ("red", "blue")]
    assert both[0] == pytest.approx(both[1], abs=0.02)
    assert both[0] == pytest.approx(0.707, abs=0.05)


def test_a_product_without_a_readable_photo_is_not_present():
    broken = ImageRef(name="broken", read=lambda limit: b"no image")
    contents = [
        ProductContent(key="1", title="no photo"),
        ProductContent(key="2", title="broken photo", images=[broken]),
        ProductContent(key="3", title="", images=[broken, photo(shirt("red"))]),
    ]
    encoded = ColourEncoder().encode(contents)
    assert encoded.present.tolist() == [False, False, True]
    assert not encoded.vectors[:2].any()
    assert np.linalg.norm(encoded.vectors[2]) == pytest.approx(1, abs=1e-6)


def test_a_batch_gives_what_single_calls_give():
    contents = [product(shirt(colour)) for colour in ("red", "navy", "white")]
    batch = ColourEncoder().encode(contents).vectors
    single = np.concatenate([ColourEncoder().encode([content]).vectors for content in contents])
    assert np.allclose(batch, single, atol=1e-6)
    assert ColourEncoder().encode([]).vectors.shape == (0, 64)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 2), (64, 64)])
def test_any_shape_of_photo_has_a_result(size):
    encoded = ColourEncoder().encode([product(Image.new("RGB", size, "teal"))])
    assert encoded.present.all()


def test_the_palette_is_spread_over_what_a_screen_shows():
    colours = palette(64)
    distances = np.linalg.norm(colours[:, None] - colours[None, :], axis=-1)
    assert distances[~np.eye(64, dtype=bool)].min() > 5
    white = appearance(srgb_to_lab(np.array([[255, 255, 255]], dtype=np.uint8)))
    assert np.allclose(colours[0], white[0], atol=1e-4)


def test_the_number_of_colours_is_checked_and_part_of_the_signature():
    assert ColourEncoder(colours=16).dimension == 16
    assert ColourEncoder(colours=16).signature != ColourEncoder().signature
    with pytest.raises(EncoderError, match="colours=4"):
        ColourEncoder(colours=4)
