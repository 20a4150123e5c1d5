"""The factor model: its pieces by hand, and what it learns on data whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from similarity.exceptions import TrainingError
from similarity.shoppers.training.factors import FactorModel, FactorNetwork, FactorOptions, Pairs
from similarity.shoppers.training.measures import evaluate
from similarity.shoppers.training.splits import leave_one_out
from tests.shoppers.data import checkerboard, make_history, make_interactions

torch = pytest.importorskip("torch")
SMALL = {"dim": 8, "epochs": 15, "batch": 16, "drawn": 64, "rate": 0.02}


def test_pairs_are_the_latest_items_of_shoppers_with_several():
    data = Pairs(make_interactions([[0, 1, 2, 0], [3], [4, 5]]), FactorOptions(history=2))
    assert data.items.tolist() == [2, 0, 4, 5]
    assert data.counts.tolist() == [2, 2]


def test_batches_hold_each_shopper_once_and_no_met_item_is_a_negative():
    interactions = checkerboard(shoppers=21)
    options = FactorOptions(batch=4, drawn=50)
    data = Pairs(interactions, options)
    seen = []
    for batch in data.batches(options, np.random.default_rng(0), "cpu"):
        seen += batch.shoppers.tolist()
        for row, shopper in enumerate(batch.shoppers.tolist()):
            met = set(batch.items[row][batch.real[row] > 0].tolist())
            assert met == set(data.items[data.starts[shopper] :][: data.counts[shopper]].tolist())
            unmet = batch.negatives[batch.unmet[row] > 0].tolist()
            assert not met & set(unmet)
            assert set(batch.negatives.tolist()) - met == set(unmet)
    assert sorted(seen) == list(range(21))


def test_negatives_are_drawn_by_popularity_in_part():
    data = Pairs(make_interactions([[0, 1]] * 30 + [[2, 3]], items=200), FactorOptions())
    random = np.random.default_rng(0)
    by_popularity = data._draw(FactorOptions(drawn=400, popular=1), random)
    assert set(by_popularity.tolist()) == {0, 1, 2, 3}
    assert np.isin(by_popularity, [0, 1]).mean() > 0.9
    evenly = data._draw(FactorOptions(drawn=400, popular=0), random)
    assert len(set(evenly.tolist())) > 100


def test_loss_is_the_binary_cross_entropy_worked_out_by_hand():
    """Two shoppers, two items each; an item is judged by the other item of its shopper."""
    options = FactorOptions(dim=2, negatives=1, drawn=2, shopper_dropout=0, item_dropout=0)
    data = Pairs(make_interactions([[0, 1], [2, 3]]), options)
    network = FactorNetwork(options, data, "cpu")
    vectors = np.array([[1, 0], [0.5, 1], [-1, 0], [0, -1]], dtype=np.float32)
    own = np.array([[0.1, 0.2], [0, -0.3]], dtype=np.float32)
    with torch.no_grad():
        network.weights["items"].copy_(torch.as_tensor(vectors))
        network.weights["shoppers"].copy_(torch.as_tensor(own))
        network.weights["dense.weight"].fill_(2.0)
        network.weights["dense.bias"].fill_(0.5)
    (batch,) = data.batches(options, np.random.default_rng(0), "cpu")
    batch = batch._replace(
        negatives=torch.tensor([0, 3]), unmet=torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    )
    order = batch.shoppers.tolist()
    if order == [1, 0]:
        batch = batch._replace(unmet=batch.unmet.flip(0))

    def entropy(logit, happened):
        chance = 1 / (1 + np.exp(-logit))
        return -np.log(chance if happened else 1 - chance)

    total = 0.0
    for shopper, (first, second), negative in ((0, (0, 1), 3), (1, (2, 3), 0)):
        for item, other in ((first, second), (second, first)):
            total += entropy(2 * (own[shopper] + vectors[other]) @ vectors[item] + 0.5, True)
        mean = own[shopper] + (vectors[first] + vectors[second]) / 2
        total += 2 * entropy(2 * mean @ vectors[negative] + 0.5, False)  # for two pairs
    assert float(network.loss(batch).detach()) == pytest.approx(total / 8, rel=1e-5)


def test_it_learns_and_finds_what_a_shopper_meets_next():
    split = leave_one_out(checkerboard(shoppers=120, items=40, length=12))
    model = FactorModel(FactorOptions(**SMALL))
    model.fit(split.test.train, split.validation.questions)
    found = evaluate(model, split.test.questions, top=20)
    assert found.recall.mean() > 0.95  # by chance 0.5
    assert model.curves["loss"][-1] < model.curves["loss"][0]
    assert len(model.curves["ndcg"]) == len(model.curves["loss"])


def test_an_item_without_events_is_ranked_by_its_content():
    """Items 38 and 39 are new. Their content says their colours."""
    data = checkerboard(shoppers=120, items=38, length=12)
    content = np.concatenate([data.content, np.eye(2, dtype=np.float32)])
    model = FactorModel(FactorOptions(**SMALL, item_dropout=0.3))
    model.fit(replace(data, content=content))
    scores = model.scores([make_history(0, 2, 4), make_history(1, 3)])
    assert scores[0, 38] > scores[0, 39]
    assert scores[1, 39] > scores[1, 38]
    assert np.allclose(model.projection @ content[38], model.vectors[38], atol=1e-6)


def test_the_same_seed_gives_the_same_model():
    first, second, other = (
        FactorModel(FactorOptions(**{**SMALL, "epochs": 2}, seed=seed)) for seed in (1, 1, 2)
    )
    for model in (first, second, other):
        torch.rand(3)  # other random numbers of the process change nothing
        model.fit(checkerboard())
    assert np.array_equal(first.vectors, second.vectors)
    assert not np.allclose(first.vectors, other.vectors)


def test_training_leaves_the_random_numbers_of_the_process_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    FactorModel(FactorOptions(**{**SMALL, "epochs": 1})).fit(checkerboard())
    assert torch.equal(torch.rand(3), expected)


def test_early_stopping_keeps_the_best_epoch():
    split = leave_one_out(checkerboard())
    options = FactorOptions(**{**SMALL, "epochs": 40, "patience": 2})
    model = FactorModel(options)
    model.fit(split.test.train, split.validation.questions)
    curve = model.curves["ndcg"]
    assert len(curve) < 40
    assert int(np.argmax(curve)) == len(curve) - 3
    again = evaluate(model, split.validation.questions).ndcg.mean()
    assert again == pytest.approx(max(curve))


def test_a_learning_rate_that_diverges_is_named():
    with pytest.raises(TrainingError, match="lower learning rate"):
        FactorModel(FactorOptions(**SMALL)).fit(
            make_interactions([[0, 1], [1, 2]], content=np.full((3, 2), 1e20, np.float32))
        )


def test_nothing_to_learn_is_an_error_with_a_remedy():
    with pytest.raises(TrainingError, match="None of 2 shoppers has two products"):
        FactorModel().fit(make_interactions([[0], [1]]))


def test_options_outside_their_bounds_are_refused():
    with pytest.raises(TrainingError, match="popular is 2; it must be from 0 to 1"):
        FactorOptions(popular=2)
