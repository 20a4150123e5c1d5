"""The ablations still change what they name, and nothing else."""

import importlib
import io
from pathlib import Path

import numpy as np
import pytest

from similarity import conf
from similarity.catalog.content import ImageRef, ProductContent
from similarity.encoders.base import Encoded, unit_rows
from similarity.encoders.colour import ColourEncoder
from similarity.encoders.fusion import Fusion


@pytest.fixture
def ablations(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    return importlib.import_module("fusion_ablations")


@pytest.fixture
def parts():
    dice = np.random.default_rng(1)
    widths = {"text": 140, "image": 150, "colour": 64, "attributes": 96}
    rows = {part: unit_rows(dice.random((40, width))) for part, width in widths.items()}
    return {part: Encoded(vectors, np.ones(40, dtype=bool)) for part, vectors in rows.items()}


@pytest.fixture
def photo():
    """A skin-coloured thing with a blue stripe on white, a white room in it with a door."""
    image_module = pytest.importorskip("PIL.Image")
    pixels = np.full((64, 64, 3), 255, dtype=np.uint8)
    pixels[12:52, 12:52] = (205, 150, 120)
    pixels[14:20, 14:50] = (10, 20, 120)
    pixels[26:40, 26:46] = 255
    pixels[32:34, 46:52] = 255
    return image_module.fromarray(pixels)


def test_first_row_is_what_the_shop_runs(ablations, parts):
    """Otherwise the tables would compare with something no shop has."""
    usual = Fusion.fit(parts, conf.weights(), conf.dimensions()).fuse(parts).vectors
    for trials in ablations.TRIALS.values():
        np.testing.assert_allclose(trials[0].vectors(parts), usual, atol=1e-6)


def test_every_other_row_is_something_else(ablations, parts):
    """A change that is not applied would look like one that does not matter."""
    for question in ("centring", "whitening", "leading-axes", "dimensions"):
        first, *others = (trial.vectors(parts) for trial in ablations.TRIALS[question])
        for vectors in others:
            assert vectors.shape != first.shape or np.abs(vectors - first).max() > 1e-3


def test_a_part_not_centred_keeps_its_own_cosines(ablations, parts):
    """Off means off: all axes and no centring give the encoder's own cosines."""
    projection = ablations.NOT_CENTRED.fit(parts["text"].vectors, 140)
    raw, projected = parts["text"].vectors, projection.apply(parts["text"].vectors)
    np.testing.assert_allclose(projected @ projected.T, raw @ raw.T, atol=1e-4)


def test_whitening_evens_the_deviations_out(ablations, parts):
    projection = ablations.Reduction(whiten=1.0).fit(parts["text"].vectors, 10)
    deviations = ((parts["text"].vectors - projection.mean) @ projection.axes).std(axis=0)
    np.testing.assert_allclose(deviations, 1, rtol=1e-3)


def test_colour_changes_change_colours_and_leave_the_encoder_as_it_was(ablations, photo):
    """They replace names inside two modules; a renamed one must fail here, not in a table."""
    file = io.BytesIO()
    photo.save(file, "PNG")
    thing = [ProductContent(key="1", title="", images=[ImageRef("a", lambda _: file.getvalue())])]
    before = ColourEncoder().encode(thing).vectors
    signatures = {ColourEncoder().signature}
    for change in ablations.COLOUR_CHANGES:
        changed = ablations.ChangedColourEncoder(change)
        assert np.abs(changed.encode(thing).vectors - before).max() > 1e-3, change
        signatures.add(changed.signature)
    assert len(signatures) == 1 + len(ablations.COLOUR_CHANGES)
    np.testing.assert_array_equal(ColourEncoder().encode(thing).vectors, before)
