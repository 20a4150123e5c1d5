"""The fused vector: unit rows, cosines that add up, absent parts that say nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from similarity.encoders.base import Encoded, unit_rows
from similarity.encoders.fusion import Fusion
from similarity.exceptions import EncoderError, VersionError

RAW = {"text": 24, "image": 40, "colour": 8, "attributes": 12}
WEIGHTS = {"text": 0.4, "image": 0.3, "colour": 0.2, "attributes": 0.1}
DIMENSIONS = {"text": 10, "image": 16, "colour": 8}


def make_parts(count: int, seed: int = 0, absent: float = 0.0) -> dict[str, Encoded]:
    random = np.random.default_rng(seed)
    parts = {}
    for part, width in RAW.items():
        present = random.random(count) >= absent
        vectors = unit_rows(random.normal(0.3, 1, (count, width))) * present[:, None]
        parts[part] = Encoded(vectors.astype(np.float32), present)
    return parts


def fit(parts) -> Fusion:
    return Fusion.fit(parts, WEIGHTS, DIMENSIONS)


@given(count=st.integers(0, 40), seed=st.integers(0, 999), absent=st.sampled_from([0, 0.3, 0.8]))
@settings(max_examples=40)
def test_rows_have_length_one_unless_nothing_is_known(count, seed, absent):
    parts = make_parts(count, seed, absent)
    fused = fit(parts).fuse(parts)
    anything = np.logical_or.reduce([encoded.present for encoded in parts.values()])
    assert np.allclose(np.linalg.norm(fused.vectors, axis=1), anything, atol=1e-5)
    assert fused.vectors.dtype == np.float32
    for part, encoded in fused.parts.items():
        assert (encoded.present == parts[part].present).all()
        assert np.allclose(np.linalg.norm(encoded.vectors, axis=1), encoded.present, atol=1e-5)


@given(count=st.integers(2, 40), seed=st.integers(0, 999))
@settings(max_examples=30)
def test_the_fused_cosine_is_the_weighted_mean_of_the_parts(count, seed):
    parts = make_parts(count, seed)
    fused = fit(parts).fuse(parts)
    expected = sum(
        WEIGHTS[part] * (encoded.vectors @ encoded.vectors.T)
        for part, encoded in fused.parts.items()
    )
    assert np.allclose(fused.vectors @ fused.vectors.T, expected, atol=1e-5)


@given(seed=st.integers(0, 999), absent=st.sampled_from([0, 0.4]))
@settings(max_examples=20)
def test_order_of_products_and_of_parts_changes_nothing(seed, absent):
    parts = make_parts(30, seed, absent)
    order = np.random.default_rng(seed).permutation(30)
    shuffled = {p: Encoded(e.vectors[order], e.present[order]) for p, e in parts.items()}
    fusion = fit(parts)
    assert np.allclose(fusion.fuse(shuffled).vectors, fusion.fuse(parts).vectors[order], atol=1e-5)
    backwards = fusion.fuse(dict(reversed(parts.items())))
    assert np.array_equal(backwards.vectors, fusion.fuse(parts).vectors)
    refitted = fit(dict(reversed(shuffled.items()))).fuse(parts).vectors
    cosines = fusion.fuse(parts).vectors
    assert np.allclose(refitted @ refitted.T, cosines @ cosines.T, atol=1e-3)


@given(count=st.integers(0, 30), seed=st.integers(0, 999))
@settings(max_examples=20)
def test_bytes_give_back_the_same_fusion(count, seed):
    parts = make_parts(count, seed)
    fusion = fit(parts)
    again = Fusion.from_bytes(fusion.to_bytes())
    assert np.array_equal(again.fuse(parts).vectors, fusion.fuse(parts).vectors)
    assert (again.weights, again.dimensions) == (fusion.weights, fusion.dimensions)
    assert again.fitted_on == count
    assert again.to_bytes() == fusion.to_bytes()


@pytest.mark.parametrize("count", [0, 1, 2, 300])
def test_the_length_does_not_depend_on_the_catalogue(count):
    fusion = fit(make_parts(count))
    assert fusion.dimensions == {
        "fused": 46,
        "text": 10,
        "image": 16,
        "colour": 8,
        "attributes": 12,
    }
    assert fusion.fuse(make_parts(3, seed=5)).vectors.shape == (3, 46)


def test_fitted_on_nothing_it_still_tells_products_apart():
    parts = make_parts(20)
    fused = fit(make_parts(0)).fuse(parts).vectors
    cosines = fused @ fused.T
    assert cosines[~np.eye(20, dtype=bool)].max() < 0.99


def test_equal_products_alone_in_a_catalogue_keep_a_direction():
    twins = {p: Encoded(np.repeat(e.vectors, 5, axis=0), np.ones(5, bool))
             for p, e in make_parts(1).items()}  # fmt: skip
    fused = fit(twins).fuse(twins).vectors
    assert np.allclose(fused @ fused.T, 1, atol=1e-4)


def test_the_axes_keep_what_varies():
    random = np.random.default_rng(3)
    coordinates = random.normal((2, 0, 0, 0), 1, (500, 4))
    raw = unit_rows(coordinates @ np.linalg.qr(random.normal(size=(24, 4)))[0].T)
    parts = {"text": Encoded(raw, np.ones(500, bool))}
    reduced = Fusion.fit(parts, {"text": 1}, {"text": 6}).fuse(parts).vectors
    centred = unit_rows(raw - 500 / 520 * raw.mean(axis=0))
    assert np.allclose(reduced @ reduced.T, centred @ centred.T, atol=0.02)


def test_attributes_stay_as_their_encoder_made_them():
    parts = make_parts(50)
    stored = fit(parts).fuse(parts).parts["attributes"].vectors
    assert np.allclose(stored, parts["attributes"].vectors, atol=1e-6)


def test_present_parts_share_the_weight_of_absent_ones():
    parts = make_parts(50)
    fused = fit(parts).fuse({"text": parts["text"], "image": parts["image"]})
    expected = sum(
        WEIGHTS[part] / 0.7 * (encoded.vectors @ encoded.vectors.T)
        for part, encoded in fused.parts.items()
    )
    assert np.allclose(fused.vectors @ fused.vectors.T, expected, atol=1e-5)
    assert not fused.vectors[:, 26:].any()


def test_a_query_text_lands_where_an_equal_product_text_is_stored():
    parts = make_parts(50)
    fusion = fit(parts)
    query = fusion.project("text", parts["text"].vectors[7:8])
    stored = fusion.fuse(parts).parts["text"].vectors
    assert query.shape == (1, 10)
    assert int((stored @ query[0]).argmax()) == 7
    assert stored[7] @ query[0] == pytest.approx(1, abs=1e-5)


def test_reweighted_keeps_the_axes():
    parts = make_parts(50)
    fusion = fit(parts)
    again = fusion.reweighted({**WEIGHTS, "colour": 2.0})
    assert again.weights["colour"] == pytest.approx(2 / 2.8)
    for part, encoded in again.fuse(parts).parts.items():
        assert np.array_equal(encoded.vectors, fusion.fuse(parts).parts[part].vectors)


@pytest.mark.parametrize(
    ("weights", "dimensions", "message"),
    [
        ({**WEIGHTS, "image": 0}, DIMENSIONS, "weight of the part 'image' is 0"),
        ({**WEIGHTS, "image": float("nan")}, DIMENSIONS, "weight of the part 'image' is nan"),
        ({"text": 1}, DIMENSIONS, "weight of the part 'image' is None"),
        (WEIGHTS, {"text": 10, "colour": 8}, "dimension of the part 'image' is None"),
        (WEIGHTS, {**DIMENSIONS, "text": 0}, "dimension of the part 'text' is 0"),
    ],
)
def test_wrong_settings_are_named(weights, dimensions, message):
    with pytest.raises(EncoderError, match=message):
        Fusion.fit(make_parts(3), weights, dimensions)


def test_a_fused_vector_that_would_leave_its_page_is_refused():
    wide = {"text": Encoded(np.zeros((0, 800), np.float32), np.zeros(0, bool))}
    with pytest.raises(EncoderError, match="600 dimensions"):
        Fusion.fit(wide, {"text": 1}, {"text": 600})


def test_parts_that_do_not_belong_are_refused():
    fusion = fit(make_parts(3))
    with pytest.raises(EncoderError, match="no part 'sound'"):
        fusion.fuse({"sound": make_parts(3)["text"]})
    with pytest.raises(EncoderError, match="shape"):
        fusion.fuse({"text": make_parts(3)["image"]})
    with pytest.raises(EncoderError, match="different numbers"):
        fusion.fuse({"text": make_parts(3)["text"], "image": make_parts(4)["image"]})
    with pytest.raises(EncoderError, match="no part to fuse"):
        fusion.fuse({})


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_damaged_bytes_are_refused(keep):
    data = fit(make_parts(3)).to_bytes()
    with pytest.raises(EncoderError, match="damaged"):
        Fusion.from_bytes(data[:keep])


def test_values_that_are_not_finite_are_refused():
    fusion = fit(make_parts(3))
    fusion._projections["text"].mean[0] = np.nan
    with pytest.raises(EncoderError, match="not finite"):
        Fusion.from_bytes(fusion.to_bytes())


def test_a_format_of_another_release_is_refused():
    data = fit(make_parts(3)).to_bytes()
    with pytest.raises(VersionError, match="format 9"):
        Fusion.from_bytes(data.replace(rb"\"format\": 1", rb"\"format\": 9"))
