"""The learned ranker: what it learns, what it keeps of the blend, and how it is judged."""

import math

import numpy as np
import pytest

from similarity.exceptions import RankerError
from similarity.search.models import RankerVersion
from similarity.search.reranking.blend import WEIGHTS, blend
from similarity.search.reranking.network import read_network
from similarity.search.reranking.signals import COLUMN, SIGNALS
from similarity.search.training import ranker_versions
from similarity.search.training.ranker import Group, dcg, fit, ndcg
from similarity.search.training.ranker_evaluation import (
    LEAST_QUERIES,
    Evaluation,
    MeanDifference,
    cross_validated,
    evaluate_rankers,
)


def lists(count, wanted, seed=1, noise=0.3, size=12):
    """Lists whose best results are those with much of ``wanted``: signal → weight."""
    rng = np.random.default_rng(seed)
    weights = np.array([wanted.get(name, 0.0) for name in SIGNALS])
    groups = []
    for number in range(count):
        values = rng.normal(size=(size, len(SIGNALS)))
        values[:, COLUMN["position"]] = 0
        score = values @ weights + noise * rng.normal(size=size)
        gains = np.digitize(score, np.quantile(score, [0.5, 0.75, 0.9]))
        groups.append(Group(f"query {number}", values, 2.0**gains - 1))
    return groups


def test_ndcg_by_hand():
    utilities = np.array([0.0, 3.0, 1.0])
    assert dcg(utilities) == pytest.approx(3 / math.log2(3) + 1 / 2)
    best = 3 + 1 / math.log2(3)
    assert ndcg(utilities, np.zeros(3)) == pytest.approx((3 / math.log2(3) + 0.5) / best)
    assert ndcg(utilities, utilities) == 1
    assert ndcg(np.zeros(3), np.zeros(3)) == 0


def test_it_learns_what_the_blend_does_not_know():
    """Here only popularity matters, which the blend gives a twentieth."""
    groups = lists(60, {"popularity": 1.0})
    network = fit(groups)
    fresh = lists(20, {"popularity": 1.0}, seed=2)
    learned = np.mean([ndcg(group.utilities, network.scores(group.values)) for group in fresh])
    fixed = np.mean([ndcg(group.utilities, blend(group.values)) for group in fresh])
    assert learned > 0.9 > fixed


def test_a_hidden_layer_learns_what_no_weighted_sum_can():
    """Words or vector, but not both: an exclusive or."""
    rng = np.random.default_rng(5)
    groups = []
    for number in range(60):
        values = rng.normal(size=(12, len(SIGNALS)))
        wanted = values[:, COLUMN["words"]] * values[:, COLUMN["vector"]] < 0
        groups.append(Group(str(number), values, wanted.astype(float)))

    def reached(network):
        return np.mean([ndcg(g.utilities, network.scores(g.values)) for g in groups])

    assert reached(fit(groups, hidden=8)) > reached(fit(groups, hidden=0)) + 0.1


def test_signals_the_lists_say_nothing_of_keep_the_blend_s_share():
    """The order shown is unknown when people judge, and must still count when serving."""
    groups = lists(40, {"words": 1.0, "vector": 0.1})
    network = fit(groups)
    raw = network.linear / network.scale
    share = raw[COLUMN["position"]] / raw[COLUMN["words"]]
    assert share == pytest.approx(WEIGHTS["position"] / WEIGHTS["words"], rel=0.7)


def test_the_same_lists_give_the_same_bytes():
    groups = lists(10, {"words": 1.0})
    assert fit(groups, hidden=2).to_bytes() == fit(groups, hidden=2).to_bytes()


def test_lists_that_teach_nothing_are_refused_with_the_remedy():
    flat = Group("red", np.zeros((3, len(SIGNALS))), np.ones(3))
    with pytest.raises(RankerError, match="give judgements with different gains"):
        fit([flat, Group("none", np.zeros((0, len(SIGNALS))), np.zeros(0))])


def test_a_query_is_judged_by_a_network_that_has_not_seen_it():
    groups = lists(25, {"popularity": 1.0})
    seen = []

    def remember(some):
        seen.append({group.query for group in some})
        return fit(some)

    cross_validated(groups, remember)
    assert len(seen) == 5
    left_out = [{group.query for group in groups} - names for names in seen]
    assert sorted(name for names in left_out for name in names) == sorted(
        group.query for group in groups
    )


def test_chance_is_not_taken_for_better():
    """Labels by chance: cross-validation shows no gain, and the ranker is not promoted."""
    evaluation = evaluate_rankers(lists(40, {}, noise=1.0))
    assert "may be chance" in ranker_versions.why_not(evaluation)
    assert "blend" in evaluation.text()
    assert set(evaluation.as_json()) == {"order given", "blend", "learned"}


def test_better_for_sure_is_promoted():
    assert ranker_versions.why_not(evaluate_rankers(lists(40, {"popularity": 1.0}))) == ""


def test_noise_by_hand():
    """Differences 0.1 and 0.3: mean 0.2, standard error √0.02 ÷ √2 = 0.1."""
    scores = {"learned": np.array([0.6, 0.9]), "blend": np.array([0.5, 0.6])}
    difference = Evaluation(scores).difference("learned", "blend")
    assert difference == pytest.approx((0.2, 0.1))
    assert MeanDifference(0.21, 0.1).beyond_noise
    assert not MeanDifference(0.19, 0.1).beyond_noise


def test_too_few_queries_to_tell():
    with pytest.raises(RankerError, match=f"at least {LEAST_QUERIES}"):
        evaluate_rankers(lists(LEAST_QUERIES - 1, {"words": 1.0}))


@pytest.mark.django_db
class TestVersions:
    def saved(self):
        return ranker_versions.save(fit(lists(5, {"words": 1.0})), {"queries": 5})

    def status(self):
        return {row.pk: row.status for row in RankerVersion.objects.all()}

    def test_one_is_live_and_rolling_back_goes_back_one_at_a_time(self):
        first, second, third = (ranker_versions.promote(self.saved()).pk for _ in range(3))
        assert self.status() == {first: "retired", second: "retired", third: "live"}
        assert ranker_versions.rollback().pk == second
        assert ranker_versions.rollback().pk == first
        assert ranker_versions.rollback() is None, "the blend orders again"
        with pytest.raises(RankerError, match="blend orders already"):
            ranker_versions.rollback()

    def test_what_is_saved_is_what_was_trained(self):
        version = self.saved()
        assert version.artefact_is_intact()
        network = fit(lists(5, {"words": 1.0}))
        stored = read_network(bytes(version.artefact), len(SIGNALS))
        assert stored.linear == pytest.approx(network.linear, abs=1e-5)

    def test_a_damaged_one_is_not_promoted(self):
        version = self.saved()
        RankerVersion.objects.update(artefact=b"damaged")
        with pytest.raises(RankerError, match="does not have the hash"):
            ranker_versions.promote(version.pk)

    def test_one_that_is_not_there(self):
        with pytest.raises(RankerError, match="There is no ranker 7; train one"):
            ranker_versions.promote(7)
        with pytest.raises(RankerError, match="There is no candidate"):
            ranker_versions.promote()
