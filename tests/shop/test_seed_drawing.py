"""The drawn pictures: every kind can be drawn, the same each time, and none like another."""

import io

import numpy as np
import pytest
from PIL import Image

from shop.seed.catalogue import KINDS, plan
from shop.seed.drawing.kinds import DRAWINGS
from shop.seed.drawing.look import Look
from shop.seed.drawing.patterns import PATTERNS, paint_of
from shop.seed.drawing.picture import VIEWS, draw, jpeg
from shop.seed.fit import colours_for, materials_for

#: Mean difference of 32 × 32 thumbnails, 0–255, below which two pictures look the same.
ALIKE = 1.0


def thumbnail(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.resize((32, 32), Image.Resampling.BOX), np.float32)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_shape_of_a_kind_can_be_drawn_and_differs_from_the_others(kind):
    thumbnails = []
    for shape in kind.shapes:
        material = materials_for(kind, shape)[0]
        colour = colours_for(kind, material)[0]
        look = Look(kind.name, shape, colour, "rust", "plain", material, model=5)
        thumbnails.append(thumbnail(draw(look)))
    for at, one in enumerate(thumbnails):
        assert one.std() > 4, f"{kind.name}: an empty picture"
        assert all(apart(one, other) > ALIKE for other in thumbnails[:at])


def test_the_same_look_gives_the_same_bytes():
    look = plan(1, seed=7)[0].look
    assert jpeg(look, "front view") == jpeg(look, "front view")


def test_a_picture_is_a_small_jpeg_of_600_pixels():
    look = plan(3, seed=7)[2].look
    for view in VIEWS:
        file = jpeg(look, view)
        with Image.open(io.BytesIO(file)) as picture:
            assert (picture.format, picture.size) == ("JPEG", (600, 600))
        assert 5_000 < len(file) < 120_000


def test_no_two_products_look_alike_and_siblings_look_similar():
    """Variants of one model are nearer each other in shape than two kinds are."""
    items = plan(36, seed=7)
    thumbnails = {item.sku: thumbnail(draw(item.look)) for item in items}
    grey = {sku: np.gradient(picture.mean(axis=2))[0] for sku, picture in thumbnails.items()}
    siblings, strangers = [], []
    for at, one in enumerate(items):
        for other in items[:at]:
            assert apart(thumbnails[one.sku], thumbnails[other.sku]) > ALIKE
            outline = np.corrcoef(grey[one.sku].ravel(), grey[other.sku].ravel())[0, 1]
            same = one.group and one.group == other.group
            (siblings if same else strangers).append(abs(outline))
    assert np.mean(siblings) > np.mean(strangers) + 0.2


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_shows_both_of_its_colours(pattern):
    v, u = np.mgrid[0:900:300j, 0:900:300j].astype(np.float32)
    base, accent = (0.1, 0.1, 0.4), (0.95, 0.9, 0.8)
    painted = paint_of(pattern, base, accent)(u, v, 0.6)
    assert painted.shape == (300, 300, 3)
    for colour in (base, accent):
        near = np.abs(painted - colour).max(axis=2) < 0.2
        assert near.mean() > 0.02, f"{pattern} hardly shows {colour}"


def test_the_table_of_drawings_holds_each_kind():
    assert set(DRAWINGS) == {kind.name for kind in KINDS}
