"""Losses against sums over all items, worked out by brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from similarity.shoppers.training import losses

torch = pytest.importorskip("torch", reason="the encoders extra is not installed")

TARGETS, ITEMS, DIM = 5, 9, 4


def made(seed: int):
    random = np.random.default_rng(seed)
    queries = torch.as_tensor(random.normal(size=(TARGETS, DIM)))
    vectors = torch.as_tensor(random.normal(size=(ITEMS, DIM)))
    return queries, vectors, torch.as_tensor(random.integers(0, ITEMS, TARGETS))


def brute_force(queries, vectors, targets) -> float:
    """The mean of -log(exp(score of the target) / sum over all items of exp(score))."""
    costs = []
    for query, target in zip(queries.numpy(), targets.numpy(), strict=True):
        scores = [float(np.dot(query, vector)) for vector in vectors.numpy()]
        costs.append(np.log(sum(np.exp(score) for score in scores)) - scores[target])
    return float(np.mean(costs))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_the_full_softmax_is_the_sum_over_all_items(seed):
    queries, vectors, targets = made(seed)
    found = losses.full_softmax(queries, vectors, targets)
    assert float(found) == pytest.approx(brute_force(queries, vectors, targets))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_sampling_each_item_equally_often_is_the_full_softmax(seed, times):
    """All items as negatives, each ``times`` times, as the sampler says: the sum is exact."""
    queries, vectors, targets = made(seed)
    sampled = torch.arange(ITEMS).repeat(times)
    found = losses.sampled_softmax(
        queries,
        vectors[targets],
        vectors[sampled],
        targets,
        sampled,
        torch.full((ITEMS * times,), float(times)),
    )
    assert float(found) == pytest.approx(brute_force(queries, vectors, targets))


def test_unequal_sampling_is_corrected():
    """The negatives' sum is right on average, although one item is drawn ten times as often."""
    queries, vectors, targets = made(1)
    random = np.random.default_rng(2)
    shares = np.ones(ITEMS)
    shares[3] = 10
    shares /= shares.sum()
    negatives = 40
    sums = []
    for _each in range(3000):
        sampled = torch.as_tensor(random.choice(ITEMS, negatives, p=shares))
        expected = torch.as_tensor(negatives * shares)[sampled]
        scores = queries[0] @ vectors[sampled].T - expected.log()
        sums.append(float(scores[sampled != targets[0]].exp().sum()))
    exact = (queries[0] @ vectors.T).exp()
    exact = float(exact.sum() - exact[targets[0]])
    assert np.mean(sums) == pytest.approx(exact, rel=0.03)
    # And this is what the loss computes.
    found = losses.sampled_softmax(
        queries[:1], vectors[targets[:1]], vectors[sampled], targets[:1], sampled, expected
    )
    positive = float((queries[0] @ vectors[targets[0]]).exp())
    assert float(found) == pytest.approx(np.log(positive + sums[-1]) - np.log(positive))


def test_a_target_among_the_negatives_does_not_count_against_itself():
    queries, vectors, targets = made(3)
    sampled = targets[:1].repeat(6)
    found = losses.sampled_softmax(
        queries[:1], vectors[targets[:1]], vectors[sampled], targets[:1], sampled, torch.ones(6)
    )
    assert float(found) == 0


def gbce(seed: int, calibration: float, sampled):
    queries, vectors, targets = made(seed)
    return (
        queries,
        vectors,
        targets,
        losses.generalised_bce(
            queries, vectors[targets], vectors[sampled], targets, sampled, ITEMS, calibration
        ),
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1))
def test_gbce_is_its_formula(seed, calibration):
    sampled = torch.tensor([0, 4, 4, 8])
    queries, vectors, targets, found = gbce(seed, calibration, sampled)
    share = 4 / (ITEMS - 1)
    beta = share * (calibration * (1 - 1 / share) + 1 / share)
    costs = []
    for query, target in zip(queries.numpy(), targets.numpy(), strict=True):
        sigmoid = 1 / (1 + np.exp(-(vectors.numpy() @ query)))
        others = [item for item in sampled.tolist() if item != target]
        costs.append(
            -beta * np.log(sigmoid[target]) - sum(np.log(1 - sigmoid[item]) for item in others)
        )
    assert float(found) == pytest.approx(np.mean(costs))


def test_gbce_without_calibration_is_binary_cross_entropy():
    sampled = torch.tensor([1, 2])
    queries, vectors, targets, found = gbce(0, 0.0, sampled)
    positive = torch.nn.functional.softplus(-(queries * vectors[targets]).sum(1))
    negative = torch.nn.functional.softplus(queries @ vectors[sampled].T)
    negative = negative.masked_fill(sampled == targets[:, None], 0).sum(1)
    assert float(found) == pytest.approx(float((positive + negative).mean()))


def test_label_smoothing_spreads_a_share_over_all_items():
    queries, vectors, targets = made(0)
    plain = losses.full_softmax(queries, vectors, targets)
    smooth = losses.full_softmax(queries, vectors, targets, 0.1)
    spread = -(queries @ vectors.T).log_softmax(dim=1).mean()
    assert float(smooth) == pytest.approx(float(0.9 * plain + 0.1 * spread))
