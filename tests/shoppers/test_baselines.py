"""Popularity and co-occurrence, worked out by hand."""

import os
from pathlib import Path

import numpy as np
import pytest

from similarity.shoppers.training import baselines
from similarity.shoppers.training.baselines import CoOccurrence, Popularity
from similarity.shoppers.training.measures import evaluate
from similarity.shoppers.training.splits import leave_one_out
from tests.shoppers.data import DAY_S, make_history, make_interactions


def test_popularity_counts_a_shopper_once():
    model = Popularity()
    model.fit(make_interactions([[0, 0, 0, 1], [1]]))
    assert model.scores([make_history()]).tolist() == [[1, 2]]


def test_an_older_vote_counts_less():
    model = Popularity(half_life_days=10)
    model.fit(make_interactions([[0], [1], [0, 1]], times=[[0], [10 * DAY_S], [0, 20 * DAY_S]]))
    assert model.scores([make_history()])[0] == pytest.approx([0.5, 1.5])


def test_co_occurrence_is_the_cosine_of_shoppers():
    # 0: shoppers a, b, c, d. 1: a. 2: a, b, c. Cosines 0–1: 1/√4, 0–2: 3/√12, 1–2: 1/√3.
    interactions = make_interactions([[0, 1, 2], [0, 2], [0, 2], [0]], items=4)
    model = CoOccurrence(decay=0.5)
    model.fit(interactions)
    first = model.scores([make_history(0)])[0]
    assert first == pytest.approx([0, 0.5, 3 / 12**0.5, 0], abs=1e-5)
    both = model.scores([make_history(1, 0)])[0]  # 1 is older and counts half
    assert both[2] == pytest.approx(3 / 12**0.5 + 0.5 / 3**0.5, abs=1e-5)


def test_popularity_orders_what_was_never_met_together():
    model = CoOccurrence()
    model.fit(make_interactions([[0, 1], [2], [2], [3]]))
    scores = model.scores([make_history(0)])[0]
    assert scores[1] > scores[2] > scores[3]


def test_the_best_neighbours_stay():
    random = np.random.default_rng(0)
    interactions = make_interactions([random.permutation(12)[:5].tolist() for _ in range(80)])
    full, pruned = CoOccurrence(), CoOccurrence(neighbours=3)
    full.fit(interactions)
    pruned.fit(interactions)
    for item in range(12):
        all_scores, few = (m.scores([make_history(item)])[0] for m in (full, pruned))
        kept = np.flatnonzero(few > 1e-3)
        assert len(kept) == 3
        assert np.allclose(few[kept], all_scores[kept])
        assert all_scores[kept].min() >= np.delete(all_scores, kept).max() - 1e-5


def test_blocks_do_not_change_the_cosines():
    random = np.random.default_rng(0)
    interactions = make_interactions([random.permutation(12)[:5].tolist() for _ in range(80)])
    shoppers, items, _times = baselines.last_events(interactions)
    met = baselines._incidence(shoppers, items, 12)
    whole = baselines._pruned_cosines(met, 5).toarray()
    assert np.array_equal(baselines._pruned_cosines(met, 5, block=5).toarray(), whole)


def test_a_long_history_makes_pairs_of_its_latest_items_only(monkeypatch):
    monkeypatch.setattr(baselines, "_ITEMS_PAIRED", 2)
    model = CoOccurrence()
    model.fit(make_interactions([[0, 1, 2]]))
    assert model.scores([make_history(2)])[0][1] > 0.5
    assert model.scores([make_history(2)])[0][0] < 1e-3


@pytest.mark.data
@pytest.mark.skipif("SIMILARITY_DATA_DIR" not in os.environ, reason="SIMILARITY_DATA_DIR is unset")
def test_popularity_has_the_published_figure_without_the_leak():
    """FACTS.md of the pack: .0385/.0180 if the test items are not counted."""
    lines = (Path(os.environ["SIMILARITY_DATA_DIR"]) / "lastfm/LastFM.txt").read_text().splitlines()
    sequences = [[int(number) - 1 for number in line.split()[1:]] for line in lines]
    split = leave_one_out(make_interactions(sequences)).test
    model = Popularity()
    model.fit(split.train)
    figures = evaluate(model, split.questions).figures()
    assert figures["recall@10"] == pytest.approx(0.0385, abs=0.0005)
    assert figures["ndcg@10"] == pytest.approx(0.0180, abs=0.0005)
