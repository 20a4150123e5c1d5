"""A training run: it measures, decides with its reason, promotes, and refuses a bad model."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from similarity.exceptions import TrainingError
from similarity.models.vectors import group_name
from similarity.shoppers.artefact import SequenceConfig, read_artefact
from similarity.shoppers.interactions import Data
from similarity.shoppers.live_model import read_live_model
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.training import gate, sequence_training
from similarity.shoppers.training.baselines import CoOccurrence, Popularity
from similarity.shoppers.training.factors import FactorModel
from similarity.shoppers.training.options import TrainingOptions
from similarity.shoppers.training.saving import write_artefact
from similarity.shoppers.training.sequence_training import Run, train_sequence
from similarity.shoppers.training.stored_models import first_weights, running_scorer
from tests.shoppers.conftest import store
from tests.shoppers.data import DAY_S, make_history, make_interactions

pytest.importorskip("torch", reason="the encoders extra is not installed")
pytestmark = pytest.mark.django_db

ITEMS = 24
RUN = Run(
    config=SequenceConfig(dim=16, blocks=1, heads=2, hidden=16, length=10, cosine=True),
    options=TrainingOptions(
        epochs=6, batch=512, rate=2e-2, warmup_steps=5, dropout=0.0, loss="full", evaluate_every=3
    ),
)


@pytest.fixture(autouse=True)
def _one_rival(monkeypatch):
    """Rivals take most of the time; a single test has all of them."""
    monkeypatch.setattr(sequence_training, "RIVALS", (Popularity,))


def after(item: int) -> int:
    """The item that follows at every second step; it is not the one that ``item`` follows."""
    return (5 * item + 7) % ITEMS


def walk(random, length: int) -> list[int]:
    """Any item, the one after it, any item, the one after it … each at most once.

    Co-occurrence cannot tell what follows an item from what it follows.
    """
    while True:
        items = [step for item in random.integers(0, ITEMS, 4) for step in (item, after(item))]
        if len(set(items)) == len(items):
            return [int(item) for item in items[:length]]


def make_data(shop, shoppers: int = 400, seed: int = 0, shuffled: bool = False) -> Data:
    random = np.random.default_rng(seed)
    walks = [walk(random, 6 + shopper % 2) for shopper in range(shoppers)]
    if shuffled:
        flat = random.permutation([item for each in walks for item in each]).tolist()
        walks = [[flat.pop() for _item in each] for each in walks]
    times = [[DAY_S * step + at for step in range(len(each))] for at, each in enumerate(walks)]
    made = make_interactions(walks, times, items=ITEMS, content=shop.content)
    made.names[:] = [group_name(str(product.pk), product.group) for product in shop.products]
    return Data(made, shop.version.pk)


@pytest.fixture
def large_shop(shop, make_product):
    """24 products whose content tells nothing of what follows what."""
    random = np.random.default_rng(1)
    while len(shop.products) < ITEMS:
        product = make_product()
        row = random.normal(size=4).astype(np.float32)
        row /= np.linalg.norm(row)
        store(shop.version, product, row)
        shop.products.append(product)
        shop.content = np.concatenate([shop.content, row[None]])
    return shop


def test_a_good_model_goes_live_with_its_figures_and_answers_as_trained(large_shop, monkeypatch):
    monkeypatch.setattr(sequence_training, "RIVALS", (Popularity, CoOccurrence, FactorModel))
    steps = []
    longer = replace(RUN.options, epochs=24)
    run = replace(RUN, options=longer, progress=lambda phase, *_rest: steps.append(phase))
    model = train_sequence(make_data(large_shop), run)
    model.refresh_from_db()
    assert (model.kind, model.status) == ("sequence", "live"), model.figures["decision"]
    assert model.artefact_is_intact()
    rivals = {"sequence", "popularity", "co-occurrence", "factors"}
    assert model.figures["leave_one_out"].keys() == model.figures["by_time"].keys() == rivals
    assert model.figures["decision"]["promoted"]
    assert model.config["epochs"] <= 24
    assert model.config["options"]["loss"] == "full"
    assert model.config["content_version"] == large_shop.version.pk
    assert model.window["first"] == "1970-01-01T00:00:00+00:00"
    assert len(model.curves["loss"]) == len(model.curves["ndcg"])
    assert {"train to be measured", "train before a moment", "train on all", "items"} <= set(steps)
    # A shopper who just saw item 3 is shown the one after it, by the web process.
    live = read_live_model("default")
    assert live is not None
    products = large_shop.products
    vectors = live.read_items([each.pk for each in products], "default")
    history = np.stack([vectors[products[item].pk] for item in (9, after(9), 3)])
    shopper = live.network.encode(history, np.ones(3, np.int8), np.full(3, -1, np.float32))
    scores = np.stack([vectors[each.pk] for each in products]) @ shopper
    scores[[9, after(9), 3]] = -1
    assert int(scores.argmax()) == after(3)


def test_labels_that_are_shuffled_are_refused(large_shop):
    """There is nothing to learn, so the model is not better than popularity."""
    model = train_sequence(make_data(large_shop, shuffled=True), RUN)
    assert model.status == "refused"
    assert not model.figures["decision"]["promoted"]
    assert read_live_model("default") is None


def test_an_epoch_that_learns_nothing_is_refused(large_shop):
    idle = replace(RUN, options=replace(RUN.options, rate=0.0, epochs=1))
    model = train_sequence(make_data(large_shop), idle)
    assert model.status == "refused"
    assert "NDCG@10" in model.figures["decision"]["reason"]


def test_without_publishing_a_good_model_stays_a_candidate(large_shop):
    model = train_sequence(make_data(large_shop), RUN, publish=False)
    assert model.status == "candidate"
    assert read_live_model("default") is None


def test_a_run_that_fails_is_marked_and_the_error_is_raised(large_shop):
    empty = Data(make_interactions([[0], [1]], items=ITEMS, content=large_shop.content), 1)
    with pytest.raises(Exception, match="None of 2 shoppers"):
        train_sequence(empty, RUN)
    [model] = ShopperModel.objects.all()
    assert model.status == "failed"
    assert "None of 2 shoppers" in model.error


def test_8_bits_are_stored_on_request(large_shop):
    small = train_sequence(make_data(large_shop), replace(RUN, int8=True), publish=False)
    large = train_sequence(make_data(large_shop), RUN, publish=False)
    assert len(small.weights) < len(large.weights)
    for name, weight in read_artefact(bytes(small.weights))[1].items():
        assert np.allclose(weight, read_artefact(bytes(large.weights))[1][name], atol=0.05)


def test_a_killed_run_does_not_repeat_what_is_done(large_shop, tmp_path):
    run = replace(RUN, checkpoints=tmp_path)
    first = train_sequence(make_data(large_shop), run, publish=False)
    phases = []
    again = replace(run, progress=lambda phase, *_rest: phases.append(phase))
    second = train_sequence(make_data(large_shop), again, publish=False)
    assert second.curves == first.curves
    for name, weight in read_artefact(bytes(second.weights))[1].items():
        assert np.array_equal(weight, read_artefact(bytes(first.weights))[1][name])
    assert not [phase for phase in phases if phase.startswith("train")]


@pytest.fixture
def running(large_shop):
    model = train_sequence(make_data(large_shop), RUN)
    assert model.status == "live"
    return model


def later(data: Data, days: int) -> Data:
    times = data.interactions.times + days * DAY_S
    return Data(replace(data.interactions, times=times), data.content_version)


def test_the_running_model_is_asked_about_what_happened_since(large_shop, running):
    """It already knows what follows what, so a model of the same kind is not better."""
    data = later(make_data(large_shop, seed=1), days=4)
    assert sequence_training.fresh_shoppers(data) == 400
    model = train_sequence(data, RUN)
    assert gate.RUNNING in model.figures["by_time"]
    assert model.figures["by_time"][gate.RUNNING]["recall@10"] > 0.4
    assert gate.RUNNING not in model.figures["leave_one_out"]
    running.refresh_from_db()
    assert (model.status, running.status) in [("refused", "live"), ("live", "retired")]
    assert "running model" in model.figures["decision"]["reason"]


def test_the_running_model_scores_as_it_serves(large_shop, running):
    data = make_data(large_shop)
    scorer = running_scorer(running, data.interactions)
    live = read_live_model("default")
    vectors = live.read_items([each.pk for each in large_shop.products], "default")
    expected = np.stack([vectors[each.pk] for each in large_shop.products])
    assert np.allclose(scorer.vectors(), expected, atol=1e-3)  # stored in half precision
    history = make_history(3, 5, 8)
    gaps_s = np.array([1, 1, -1], np.float32)
    shopper = live.network.encode(expected[[3, 5, 8]], history.kinds, gaps_s)
    assert np.allclose(scorer.scores([history])[0], expected @ shopper, atol=2e-3)


def test_a_model_that_learned_from_an_erased_shopper_is_replaced_without_comparison(
    large_shop, running
):
    ShopperModel.objects.update(erased=1)
    data = make_data(large_shop, seed=2)
    assert sequence_training.rival(data) is None
    assert sequence_training.fresh_shoppers(data) is None
    assert train_sequence(data, RUN).status == "live"


def test_a_model_of_another_content_is_no_rival(large_shop, running):
    data = make_data(large_shop)
    assert sequence_training.rival(Data(data.interactions, data.content_version + 1)) is None


def test_a_window_ends_a_second_after_its_last_event(large_shop, running):
    last = int(make_data(large_shop).interactions.times.max())
    assert running.window["last"] == datetime.fromtimestamp(last, UTC).isoformat()
    assert sequence_training.trained_until(running) == last + 1


def test_a_training_starts_from_another_shops_weights(large_shop, tmp_path):
    """All but the id vectors, by the number of a model or by a file."""
    model = train_sequence(make_data(large_shop), RUN, publish=False)
    config = replace(RUN.config, content_dim=4)
    taken = first_weights(str(model.pk), config)
    assert "ids" not in taken
    (tmp_path / "model").write_bytes(bytes(model.weights))
    from_file = first_weights(str(tmp_path / "model"), config)
    assert all(np.array_equal(taken[name], from_file[name]) for name in taken)
    idle = replace(RUN.options, rate=0.0, epochs=1)
    warm = replace(RUN, config=config, options=idle, first=taken)
    trained = warm.train("warm", make_data(large_shop).interactions)
    for name, weight in taken.items():
        assert np.array_equal(trained.model.weights[name].numpy(), weight)


@pytest.mark.parametrize("source", ["999", "/nowhere"])
def test_a_model_that_is_not_there_is_named(source):
    with pytest.raises(TrainingError, match=source):
        first_weights(source, RUN.config)


def test_a_model_of_another_shape_is_refused_with_the_difference(tmp_path):
    config = SequenceConfig(dim=8, hidden=8)
    from tests.shoppers.data import random_weights

    (tmp_path / "model").write_bytes(write_artefact(config, random_weights(config)))
    with pytest.raises(TrainingError, match="dim 8 instead of 16"):
        first_weights(str(tmp_path / "model"), RUN.config)


def test_a_model_that_learned_from_an_erased_shopper_is_no_start(large_shop):
    model = train_sequence(make_data(large_shop), RUN, publish=False)
    ShopperModel.objects.update(erased=1)
    with pytest.raises(TrainingError, match="erased"):
        first_weights(str(model.pk), RUN.config)
