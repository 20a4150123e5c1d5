"""Calibration, worked out by hand and recovered from data that was made with a known one."""

import numpy as np
import pytest

from similarity.exceptions import TrainingError
from similarity.shoppers.training.calibration import (
    AS_TRAINED,
    Judged,
    calibrate,
    fit_platt,
    judge_pairs,
    measure_reliability,
)
from similarity.shoppers.training.splits import by_time, leave_one_out
from tests.shoppers.data import make_interactions


class Own:
    """Scores an item by its number, minus ten."""

    name = "own"

    def fit(self, interactions):
        """Nothing to learn."""

    def scores(self, histories):
        return np.tile(np.arange(30, dtype=np.float32) - 10, (len(histories), 1))


def test_reliability_by_hand():
    found = measure_reliability(np.array([0.05, 0.15, 0.15, 1.0]), np.array([0, 1, 0, 1], bool))
    assert found.happened == [0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert found.not_happened == [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert found.predicted[:3] == pytest.approx([0.05, 0.15, 0.0])
    assert found.brier == pytest.approx((0.05**2 + 0.85**2 + 0.15**2 + 0) / 4)
    assert found.ece == pytest.approx((1 * 0.05 + 2 * 0.35 + 0) / 4)


def test_platt_recovers_the_curve_that_made_the_outcomes():
    random = np.random.default_rng(0)
    logits = random.normal(size=60_000) * 2
    chances = 1 / (1 + np.exp(-(0.4 * logits - 1.5)))
    found = fit_platt(Judged(logits, random.random(60_000) < chances))
    assert found.slope == pytest.approx(0.4, abs=0.02)
    assert found.intercept == pytest.approx(-1.5, abs=0.04)
    assert found.chances(logits) == pytest.approx(chances, abs=0.02)


def test_platt_is_finite_where_a_score_separates_the_outcomes():
    found = fit_platt(Judged(np.array([-3.0, -2.0, 2.0, 3.0]), np.array([0, 0, 1, 1], bool)))
    assert np.isfinite(found).all()
    assert found.chances(np.array([-1000.0, 0.0, 1000.0])) == pytest.approx([0, 0.5, 1])


def test_one_outcome_alone_cannot_be_calibrated():
    with pytest.raises(TrainingError, match="3 pairs happened and 0 did not"):
        fit_platt(Judged(np.zeros(3), np.ones(3, bool)))


def test_pairs_are_the_targets_and_items_that_were_not_met():
    """Histories and targets have even numbers only, so half of all drawn negatives must go."""
    sequences = [list(range(0, 30, 2))] * 40
    questions = by_time(make_interactions(sequences, items=30), share=0.3).questions
    judged = judge_pairs(Own(), questions)
    items = judged.logits + 10
    assert (items[judged.happened] % 2 == 0).all()
    assert (items[~judged.happened] % 2 == 1).all()
    assert judged.happened.sum() == len(questions.targets)
    assert (~judged.happened).sum() == pytest.approx(2 * judged.happened.sum(), rel=0.2)


def test_calibration_is_fitted_on_validation_and_better_on_test():
    """Each item has a chance of its own, which the model's scores exaggerate threefold."""
    random = np.random.default_rng(1)

    class Bold(Own):
        def scores(self, histories):
            return 3 * super().scores(histories) / 10

    weight = np.exp((np.arange(30) - 10) / 10)
    sequences = [
        random.choice(30, 4, replace=False, p=weight / weight.sum()).tolist() for _ in range(3000)
    ]
    split = leave_one_out(make_interactions(sequences, items=30))
    found = calibrate(Bold(), split.validation.questions, split.test.questions)
    assert found["after"]["ece"] < 0.05 < found["before"]["ece"]
    assert found["after"]["brier"] < found["before"]["brier"]
    assert 0 < found["slope"] < 1
    assert sum(found["after"]["happened"]) == 3000
    assert AS_TRAINED.chances(np.zeros(1)) == pytest.approx([0.5])
