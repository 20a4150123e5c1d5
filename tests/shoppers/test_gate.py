"""The gate promotes what is better by a margin, and says why it refuses."""

import numpy as np
import pytest

from similarity.shoppers.training import gate
from similarity.shoppers.training.gate import decide
from similarity.shoppers.training.measures import Measures


def measures(mean: float, questions: int = 1000, seed: int = 0) -> Measures:
    """Return NDCGs of 0 and 1 with this mean, at the same questions for the same seed."""
    hits = np.random.default_rng(seed).permutation(questions) < mean * questions
    return Measures(10, hits.astype(float), hits.astype(float), np.ones(5, np.int64))


def test_a_model_that_is_better_than_all_is_promoted_with_its_reason():
    last = {"sequence": measures(0.3), "popularity": measures(0.1), "factors": measures(0.2)}
    later = {"sequence": measures(0.2), "popularity": measures(0.1)}
    decision = decide(last, later)
    assert decision.promoted
    assert "0.3000 against 0.2000 of factors" in decision.reason
    assert decision.as_json() == {"promoted": True, "reason": decision.reason}


@pytest.mark.parametrize("rival", ["popularity", "co-occurrence", "factors"])
def test_a_single_better_rival_is_enough_to_refuse(rival):
    last = {name: measures(0.1) for name in ("popularity", "co-occurrence", "factors")}
    decision = decide({**last, "sequence": measures(0.3), rival: measures(0.4)}, {})
    assert not decision.promoted
    assert f"of {rival}" in decision.reason


def test_less_than_the_margin_is_not_better():
    decision = decide({"sequence": measures(0.312), "popularity": measures(0.3)}, {})
    assert not decision.promoted
    assert "less than 5% better" in decision.reason


def test_chance_is_not_better():
    last = {"sequence": measures(0.3, 50, seed=1), "popularity": measures(0.26, 50, seed=2)}
    assert "chance" in decide(last, {}).reason


def test_a_model_that_is_worse_on_the_split_by_time_is_refused():
    last = {"sequence": measures(0.3), "popularity": measures(0.1)}
    later = {"sequence": measures(0.1), "popularity": measures(0.2)}
    decision = decide(last, later)
    assert not decision.promoted
    assert "split by time" in decision.reason


@pytest.mark.parametrize(("ours", "promoted"), [(0.22, True), (0.2, False), (0.1, False)])
def test_the_running_model_must_be_beaten_on_what_happened_since(ours, promoted):
    last = {"sequence": measures(0.3), "popularity": measures(0.1)}
    later = {"sequence": measures(ours), gate.RUNNING: measures(0.2), "popularity": measures(0)}
    decision = decide(last, later)
    assert decision.promoted is promoted
    assert "running model" in decision.reason


def test_too_few_shoppers_cannot_decide_about_the_running_model():
    last = {"sequence": measures(0.3), "popularity": measures(0.1)}
    later = {"sequence": measures(0.5, 40), gate.RUNNING: measures(0.1, 40)}
    decision = decide(last, later)
    assert not decision.promoted
    assert "40 shoppers" in decision.reason


def test_a_model_that_knows_nothing_does_not_replace_another_that_knows_nothing():
    last = {"sequence": measures(0.3), "popularity": measures(0.1)}
    later = {"sequence": measures(0.0), gate.RUNNING: measures(0.0)}
    assert not decide(last, later).promoted
