"""The arithmetic of scores, reasons and diversity, on any input."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from similarity.catalog.content import ProductContent
from similarity.encoders.attributes import AttributeEncoder
from similarity.models.stored_vectors import StoredVectors
from similarity.parts import PARTS
from similarity.similar.explain import reasons
from similarity.similar.scoring import (
    METRICS,
    maximal_marginal_relevance,
    moved,
    normalised_weights,
    rescore,
    score_of_distance,
)
from tests.retrieval.conftest import unit

WEIGHTS = st.dictionaries(
    st.sampled_from(PARTS), st.floats(0, 1e300), min_size=1, max_size=4
).filter(lambda weights: max(weights.values()) > 0)
ROW = arrays(np.float32, 8, elements=st.floats(-1, 1, width=32)).filter(
    lambda row: np.linalg.norm(row) > 1e-3
)


@st.composite
def products(draw):
    vectors = {part: draw(st.none() | ROW.map(unit)) for part in PARTS}
    return StoredVectors(1, "1", vectors)


@given(WEIGHTS)
def test_weights_add_up_to_one(weights):
    assert sum(normalised_weights(weights).values()) == pytest.approx(1)


@given(WEIGHTS, WEIGHTS)
def test_moved_is_a_distance_from_0_to_1(one, other):
    one, other = normalised_weights(one), normalised_weights(other)
    assert 0 <= moved(one, other) <= 1 + 1e-9
    assert moved(one, one) == 0
    assert moved(one, other) == pytest.approx(moved(other, one))


@given(st.sampled_from(METRICS), st.floats(-1.1, 2.1), st.floats(-1.1, 2.1))
def test_scores_stay_in_bounds_and_fall_with_distance(metric, one, other):
    scores = [score_of_distance(metric, distance) for distance in sorted((one, other))]
    assert 1 >= scores[0] >= scores[1] >= 0


@given(st.sampled_from(METRICS), WEIGHTS.map(normalised_weights), products(), products())
def test_rescored_is_symmetric_bounded_and_nan_only_where_nothing_is_shared(
    metric, weights, one, other
):
    (score,), (back,) = (
        rescore(metric, weights, one, [other]),
        rescore(metric, weights, other, [one]),
    )
    shared = any(weights.get(p, 0) > 0 and one.has(p) and other.has(p) for p in PARTS)
    assert np.isnan(score) != shared
    if shared:
        assert 0 <= score <= 1
        assert score == pytest.approx(back, abs=1e-6)


@given(WEIGHTS.map(normalised_weights), products())
def test_a_product_is_as_like_itself_as_can_be(weights, one):
    (score,) = rescore("cosine", weights, one, [one])
    assert np.isnan(score) or score == pytest.approx(1, abs=1e-6)


@given(WEIGHTS.map(normalised_weights), products(), products())
def test_shares_add_up_to_one(weights, one, other):
    blocks = {"brand": (0, 2), "category": (2, 4), "price": (6, 8)}
    found = reasons(one, other, weights, blocks)
    assert all(0 < reason.share <= 1 for reason in found)
    assert not found or sum(reason.share for reason in found) == pytest.approx(1)
    assert [reason.share for reason in found] == sorted((r.share for r in found), reverse=True)
    assert len({reason.name for reason in found}) == len(found)


CANDIDATES = st.integers(0, 20).flatmap(
    lambda count: st.tuples(
        st.lists(st.floats(0, 1), min_size=count, max_size=count).map(
            lambda scores: sorted(scores, reverse=True)
        ),
        arrays(np.float32, (count, 4), elements=st.floats(-1, 1, width=32)).map(unit),
    )
)


@given(CANDIDATES, st.floats(0, 1), st.integers(1, 25))
def test_mmr_picks_each_once_and_the_best_first(candidates, diversity, limit):
    scores, vectors = candidates
    chosen = maximal_marginal_relevance(scores, vectors, diversity, limit)
    assert len(chosen) == len(set(chosen)) == min(limit, len(scores))
    assert chosen[:1] == [0][: len(scores)]
    assert chosen == maximal_marginal_relevance(scores, vectors, diversity, limit)


@given(CANDIDATES, st.floats(0, 1))
def test_a_shorter_mmr_is_the_head_of_a_longer(candidates, diversity):
    whole = maximal_marginal_relevance(*candidates, diversity, 20)
    assert maximal_marginal_relevance(*candidates, diversity, 5) == whole[:5]


def test_mmr_by_hand():
    """The second is a copy of the first, the third is not: with diversity it comes second."""
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert maximal_marginal_relevance([0.9, 0.8, 0.7], vectors, 0.0, 3) == [0, 1, 2]
    assert maximal_marginal_relevance([0.9, 0.8, 0.7], vectors, 0.5, 3) == [0, 2, 1]


@pytest.mark.parametrize(
    ("prices", "said"),
    [
        (("52", "52.00"), "Same price"),
        (("52", "52.20"), "Similar price"),
        (("52", "54"), "Similar price"),
        (("52", "29"), None),
    ],
)
def test_same_price_is_said_of_equal_prices_only(prices, said):
    encoder = AttributeEncoder()
    content = [
        ProductContent(str(at), "", attributes={"brand": "A"}, price=Decimal(price))
        for at, price in enumerate(prices)
    ]
    rows = encoder.encode(content).vectors.astype(np.float16).astype(np.float32)
    one, other = (StoredVectors(at, "", {"attributes": row}) for at, row in enumerate(rows))
    found = reasons(one, other, {"attributes": 1.0}, encoder.blocks)
    assert {r.name: r.text for r in found}.get("price") == said
    assert sum(r.share for r in found) == pytest.approx(1)
