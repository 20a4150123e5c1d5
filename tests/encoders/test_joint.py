"""Words and photos in one space, by networks that have a tower for each."""

import numpy as np
import pytest
from PIL import Image

from similarity.encoders.image import VisionEncoder
from similarity.encoders.joint import JointEncoder
from similarity.exceptions import EncoderError
from tests.encoders import models
from tests.encoders.photos import content, saved


def square(colour):
    return saved(Image.new("RGB", (48, 64), colour))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {
        "clip": models.save_clip(tmp_path_factory.mktemp("clip")),
        "siglip": models.save_siglip(tmp_path_factory.mktemp("siglip")),
    }


@pytest.fixture(params=["clip", "siglip"])
def folder(request, folders):
    return folders[request.param]


def test_words_name_the_photo_they_tell_of(clip_that_knows_colours):
    """The network has learned three colours; both towers must be read as it was trained."""
    encoder = JointEncoder(clip_that_knows_colours)
    photos = encoder.encode([content(name, square(rgb)) for name, rgb in models.COLOURS.items()])
    words = encoder.encode_texts(list(models.COLOURS))
    cosines = words.vectors @ photos.vectors.T
    assert cosines.argmax(axis=1).tolist() == [0, 1, 2]
    assert (np.diag(cosines) > np.sort(cosines)[:, -2] + 0.2).all()


def test_texts_keep_the_contract(folder):
    encoder = JointEncoder(str(folder))
    texts = ["red shirt", "", "the bag for women and men in blue and green " * 3, "  "]
    vectors, present = encoder.encode_texts(texts)
    assert vectors.shape == (4, encoder.dimension)
    assert vectors.dtype == np.float32
    assert present.tolist() == [True, False, True, False]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0, 1, 0], abs=1e-5)
    for row, text in enumerate(texts):
        single = encoder.encode_texts([text]).vectors[0]
        np.testing.assert_allclose(single, vectors[row], atol=1e-3)
    assert encoder.encode_texts([]).vectors.shape == (0, encoder.dimension)


def test_photos_are_those_of_the_image_tower_alone(folder):
    """So that a shop may turn from one encoder to the other and know what changes: words."""
    products = [content("1", square("red"), square("blue")), content("2", square("green"))]
    joint, alone = JointEncoder(str(folder)), VisionEncoder(str(folder))
    np.testing.assert_allclose(
        joint.encode(products).vectors, alone.encode(products).vectors, atol=1e-5
    )


def test_the_prompt_stands_before_queries(folders):
    plain = JointEncoder(str(folders["clip"]), query_prompt="")
    prompted = JointEncoder(str(folders["clip"]), query_prompt="the ")
    np.testing.assert_allclose(
        plain.encode_texts(["the red bag"]).vectors,
        prompted.encode_texts(["red bag"]).vectors,
        atol=1e-6,
    )


@pytest.mark.parametrize("options", [{"query_prompt": ""}, {"max_tokens": 8}, {"fit": "pad"}])
def test_signature_changes_with_each_option(folders, options):
    """Queries' vectors are kept by version: another prompt must make another."""
    model = str(folders["clip"])
    assert JointEncoder(model, **options).signature != JointEncoder(model).signature


def test_a_model_of_photos_alone_is_refused_before_it_is_loaded(tmp_path):
    model = str(models.save_vit(tmp_path))
    with pytest.raises(EncoderError, match=r"no text_config.*VisionEncoder"):
        _ = JointEncoder(model).signature
    with pytest.raises(EncoderError, match="no text_config"):
        JointEncoder(model).encode_texts(["red"])


def test_towers_of_different_length_are_refused(tmp_path):
    model = str(models.save_siglip(tmp_path, projection=16))
    with pytest.raises(EncoderError, match="16 numbers of a text and 32 of a photo"):
        JointEncoder(model).encode_texts(["red"])


def test_nothing_is_loaded_until_it_is_used(monkeypatch, folders):
    """Web processes make the encoders where they check the settings."""
    monkeypatch.setattr("similarity.encoders.vision.VisionTower.load", None)
    monkeypatch.setattr("similarity.encoders.towers.TextTower.load", None)
    assert JointEncoder(str(folders["clip"])).signature
