"""The contract of every model of shoppers, on data whose right answer is known."""

import numpy as np
import pytest

from similarity.shoppers.training.baselines import CoOccurrence, Popularity
from similarity.shoppers.training.factors import FactorModel, FactorOptions
from tests.shoppers.data import checkerboard, make_history, make_interactions

MODELS = {
    "popularity": Popularity,
    "recent popularity": lambda: Popularity(half_life_days=7),
    "co-occurrence": CoOccurrence,
    "factors": lambda: FactorModel(FactorOptions(dim=8, epochs=15, batch=16, drawn=64, rate=0.02)),
}


@pytest.fixture(params=MODELS)
def make_scorer(request):
    return MODELS[request.param]


@pytest.fixture
def scorer(make_scorer):
    scorer = make_scorer()
    assert scorer.name
    return scorer


@pytest.fixture(params=set(MODELS) - {"popularity", "recent popularity"})
def personal(request):
    """A model that looks at the history."""
    return MODELS[request.param]()


def test_scores_are_finite_and_the_callers_to_write_to(scorer):
    scorer.fit(checkerboard())
    histories = [make_history(0, 2), make_history(1), make_history()]
    scores = scorer.scores(histories)
    assert scores.shape == (3, 20)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    before = scores.copy()
    scores[:] = -np.inf
    assert np.array_equal(scorer.scores(histories), before)


def test_an_item_without_events_has_a_score(scorer):
    scorer.fit(make_interactions([[0, 1, 2], [0, 1]], items=5))
    scores = scorer.scores([make_history(4), make_history(0)])
    assert scores.shape == (2, 5)
    assert np.isfinite(scores).all()


def test_a_history_does_not_depend_on_its_batch(scorer):
    scorer.fit(checkerboard())
    histories = [make_history(0, 2, 4), make_history(1), make_history(3, 5)]
    together = scorer.scores(histories)
    alone = np.concatenate([scorer.scores([history]) for history in histories])
    assert np.allclose(together, alone, atol=1e-5)


def test_fitting_again_forgets_the_former_data(scorer, make_scorer):
    scorer.fit(checkerboard(seed=1))
    scorer.fit(checkerboard(seed=2))
    fresh = make_scorer()
    fresh.fit(checkerboard(seed=2))
    histories = [make_history(0, 2)]
    assert np.allclose(scorer.scores(histories), fresh.scores(histories), atol=1e-5)


def test_a_shopper_of_one_colour_is_shown_that_colour(personal):
    personal.fit(checkerboard())
    scores = personal.scores([make_history(0, 2, 4), make_history(1, 3, 5)])
    even = np.arange(20) % 2 == 0
    unseen = np.arange(20) > 5
    assert scores[0, even & unseen].min() > scores[0, ~even & unseen].max()
    assert scores[1, ~even & unseen].min() > scores[1, even & unseen].max()
