"""Measures worked out by hand, and against those of replay-rec."""

import numpy as np
import pytest

from similarity.shoppers.training import measures
from similarity.shoppers.training.measures import compare, evaluate
from similarity.shoppers.training.splits import by_time, leave_one_out
from tests.shoppers.data import make_interactions


class Fixed:
    """Gives the same scores to every history."""

    name = "fixed"

    def __init__(self, scores):
        self.row = np.array(scores, dtype=np.float32)

    def fit(self, interactions):
        """Nothing to learn."""

    def scores(self, histories):
        return np.tile(self.row, (len(histories), 1))


def test_one_target_found_at_the_second_place():
    # Items 0 and 1 are seen, so the ranking is 4, 2, 3.
    questions = leave_one_out(make_interactions([[0, 1, 2]], items=5)).test.questions
    found = evaluate(Fixed([9, 8, 2, 1, 3]), questions, top=2)
    assert found.recall == pytest.approx([1.0])
    assert found.ndcg == pytest.approx([1 / np.log2(3)])
    assert found.shown.tolist() == [0, 0, 1, 0, 1]
    assert found.coverage == pytest.approx(2 / 5)
    assert evaluate(Fixed([9, 8, 2, 1, 3]), questions, top=1).recall == pytest.approx([0.0])


def test_several_targets_share_the_recall():
    # Targets 2, 3 and 4; the first three places are 5, 4, 2.
    split = by_time(make_interactions([[0, 1, 2, 3, 4]], times=[[0, 1, 5, 6, 7]], items=7), 0.6)
    found = evaluate(Fixed([0, 0, 3, 1, 4, 5, 2]), split.questions, top=3)
    assert found.recall == pytest.approx([2 / 3])
    gains = [1 / np.log2(place + 1) for place in (1, 2, 3)]
    assert found.ndcg == pytest.approx([(gains[1] + gains[2]) / sum(gains)])


def test_a_model_that_says_nothing_finds_what_chance_finds():
    """Equal scores must not be ordered by number: shops number best sellers first."""
    random = np.random.default_rng(1)
    sequences = [random.permutation(200)[:3].tolist() for _ in range(2000)]
    questions = leave_one_out(make_interactions(sequences, items=200)).test.questions
    found = evaluate(Fixed([1] * 200), questions, top=20)
    assert found.recall.mean() == pytest.approx(20 / 198, abs=0.02)


def test_blocks_do_not_change_the_measures(monkeypatch):
    random = np.random.default_rng(2)
    sequences = [random.permutation(30)[:4].tolist() for _ in range(40)]
    questions = leave_one_out(make_interactions(sequences, items=30)).test.questions
    scorer = Fixed(random.random(30))
    whole = evaluate(scorer, questions, top=5)
    monkeypatch.setattr(measures, "_SCORES", 90)  # three questions at once
    done = []
    parts = evaluate(scorer, questions, top=5, progress=lambda *step: done.append(step))
    assert np.array_equal(whole.recall, parts.recall)
    assert np.array_equal(whole.shown, parts.shown)
    assert done[0] == ("rank", 3, 40)
    assert done[-1] == ("rank", 40, 40)


def test_a_catalogue_shorter_than_the_list():
    questions = leave_one_out(make_interactions([[0, 1, 2]])).test.questions
    found = evaluate(Fixed([1, 1, 1]), questions)
    assert found.recall == pytest.approx([1.0])
    assert found.shown.tolist() == [0, 0, 1]  # the seen fill no place


def test_scores_that_are_not_finite_are_refused():
    questions = leave_one_out(make_interactions([[0, 1, 2]])).test.questions
    with pytest.raises(ValueError, match="fixed gave scores that are not finite"):
        evaluate(Fixed([1, np.nan, 1]), questions)
    with pytest.raises(ValueError, match=r"shape \(1, 2\); expected \(1, 3\)"):
        evaluate(Fixed([1, 1]), questions)


def test_figures_carry_their_error():
    questions = leave_one_out(make_interactions([[0, 1, 2], [0, 1, 3]], items=12)).test.questions
    figures = evaluate(Fixed([0, 0, 9, *[1] * 9]), questions, top=1).figures()
    assert figures["recall@1"] == pytest.approx(0.5)
    assert figures["recall@1_error"] == pytest.approx(0.5)  # √(0.5 ÷ 2)
    assert figures["shoppers"] == 2
    assert set(figures) >= {"ndcg@1", "ndcg@1_error", "coverage@1"}


def test_a_gain_on_every_shopper_is_sure_and_a_mixed_one_is_not():
    ours = np.array([0.3, 0.6, 0.2, 0.9])
    sure = compare(ours, ours - 0.1)
    assert (sure.mean, sure.low, sure.high) == pytest.approx((0.1, 0.1, 0.1))
    mixed = compare(ours, ours[::-1])
    assert mixed.low < 0 < mixed.high


def test_measures_agree_with_replay():
    """replay-rec is a peer that `benchmarks/` installs in an environment of its own."""
    metrics = pytest.importorskip("replay.metrics", reason="replay-rec is not installed here")
    random = np.random.default_rng(3)
    sequences = [random.permutation(40)[: random.integers(6, 12)].tolist() for _ in range(60)]
    questions = by_time(make_interactions(sequences, items=40), 0.4).questions
    scores = random.random(40)
    found = evaluate(Fixed(scores), questions)
    ((histories, targets),) = questions.batches(1000)
    ranked = {
        number: [(i, scores[i]) for i in np.argsort(-scores) if i not in history.items][:10]
        for number, history in enumerate(histories)
    }
    truth = {number: each.tolist() for number, each in enumerate(targets)}
    for metric, ours in ((metrics.Recall(10), found.recall), (metrics.NDCG(10), found.ndcg)):
        theirs = next(iter(metric(ranked, truth).values()))
        assert ours.mean() == pytest.approx(theirs, abs=1e-9)
