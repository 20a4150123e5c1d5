"""What :class:`similarity.encoders.base.Encoder` promises, of every encoder."""

from decimal import Decimal

import numpy as np
import pytest

from similarity.catalog.content import ProductContent
from similarity.encoders.attributes import AttributeEncoder
from similarity.encoders.colour import ColourEncoder
from similarity.encoders.image import VisionEncoder
from similarity.encoders.joint import JointEncoder
from similarity.encoders.registry import get_encoders
from similarity.encoders.text import TransformerTextEncoder
from tests.encoders import models
from tests.encoders.photos import content, picture, saved

CONTENTS = [
    content(
        str(number),
        *[saved(picture(colour, size=(40 + 9 * number, 50)))] * (1 + number % 3),
        title=f"{colour} shirt for men",
        description="the bag for women " * number,
        attributes={"brand": f"B{number % 2}", "category": "Clothes > Shirts", "fit": "slim"},
        price=Decimal(10 + number),
        currency="EUR",
    )
    for number, colour in enumerate(["red", "blue", "green", "black", "orange"])
]
EMPTY = ProductContent(key="0", title="", description="")
PARTS = ["text", "image", "colour", "attributes"]
JOINT = ["clip", "siglip"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The encoders of the default configuration, their networks exchanged for tiny ones."""
    return {
        "text": TransformerTextEncoder(str(models.save_bert(tmp_path_factory.mktemp("bert")))),
        "image": VisionEncoder(str(models.save_vit(tmp_path_factory.mktemp("vit")))),
        "colour": ColourEncoder(),
        "attributes": AttributeEncoder(),
        "clip": JointEncoder(str(models.save_clip(tmp_path_factory.mktemp("clip")))),
        "siglip": JointEncoder(str(models.save_siglip(tmp_path_factory.mktemp("siglip")))),
    }


REAL = [pytest.param(part, marks=pytest.mark.weights) for part in PARTS]


@pytest.fixture(params=[*PARTS, *JOINT, *REAL])
def encoder(request, tiny):
    real = request.node.get_closest_marker("weights") is not None
    return (get_encoders() if real else tiny)[request.param]


def forget(encoder):
    """So that what is encoded again really is."""
    if hasattr(encoder, "known"):
        encoder.known.clear()


def test_every_configured_encoder_is_tested():
    assert list(get_encoders()) == PARTS


def test_rows_are_of_length_one_and_as_long_as_said(encoder):
    vectors, present = encoder.encode(CONTENTS)
    assert vectors.shape == (5, encoder.dimension)
    assert vectors.dtype == np.float32
    assert present.dtype == np.bool_
    assert present.all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_batch_gives_what_single_calls_give(encoder):
    together = encoder.encode(CONTENTS).vectors
    for row, one in enumerate(CONTENTS):
        forget(encoder)
        np.testing.assert_allclose(encoder.encode([one]).vectors[0], together[row], atol=1e-3)


def test_same_again(encoder):
    first = encoder.encode(CONTENTS).vectors
    forget(encoder)
    np.testing.assert_allclose(encoder.encode(CONTENTS).vectors, first, atol=1e-6)


def test_empty_batch(encoder):
    vectors, present = encoder.encode([])
    assert vectors.shape == (0, encoder.dimension)
    assert vectors.dtype == np.float32
    assert present.shape == (0,)


def test_nothing_to_encode_is_masked_and_zero(encoder):
    vectors, present = encoder.encode([CONTENTS[0], EMPTY, CONTENTS[1]])
    assert present.tolist() == [True, False, True]
    assert not vectors[1].any()


def test_fingerprint_fields_are_fields_of_the_content(encoder):
    assert encoder.fingerprint_fields
    assert all(hasattr(EMPTY, field) for field in encoder.fingerprint_fields)


def test_signature_is_stable(encoder):
    assert encoder.signature == encoder.signature
    assert encoder.signature


@pytest.mark.parametrize(
    ("part", "option", "value"),
    [
        ("text", "title_weight", 0.9),
        ("text", "max_tokens", 8),
        ("text", "prompt", "red "),
        ("text", "pooling", "cls"),
        ("image", "fit", "pad"),
        ("image", "first_share", 0.9),
        ("image", "pooling", "mean"),
        ("attributes", "brand", "maker"),
        ("attributes", "shares", {"brand": 0.9}),
    ],
)
def test_signature_changes_with_each_option(tiny, part, option, value):
    """Else vectors of two kinds would be compared."""
    plain = tiny[part]
    options = {"model": plain.model} if hasattr(plain, "model") else {}
    assert type(plain)(**options, **{option: value}).signature != plain.signature


def test_signature_changes_with_the_weights_not_with_the_folder(tmp_path):
    first = TransformerTextEncoder(str(models.save_bert(tmp_path / "a" / "model")))
    moved = TransformerTextEncoder(str(models.save_bert(tmp_path / "b" / "model")))
    assert first.signature == moved.signature
    file = tmp_path / "c" / "model"
    models.save_bert(file)
    data = bytearray((file / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (file / "model.safetensors").write_bytes(data)
    assert TransformerTextEncoder(str(file)).signature != first.signature
