"""A training run: it measures, decides, stores and promotes, and marks what fails."""

import numpy as np
import pytest

from similarity.exceptions import TrainingError
from similarity.shoppers.artefact import read_artefact
from similarity.shoppers.live_model import read_live_model
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.sequence_numpy import mean_of_items, project_content
from similarity.shoppers.training import factors_training
from similarity.shoppers.training.factors import FactorModel, FactorOptions
from similarity.shoppers.training.factors_training import (
    Data,
    artefact,
    decide,
    train_factors,
)
from similarity.shoppers.training.measures import Measures
from tests.shoppers.conftest import CATEGORIES, KINDS, store
from tests.shoppers.data import DAY_S, make_history, make_interactions

pytest.importorskip("torch")
SMALL = FactorOptions(dim=8, epochs=12, batch=16, drawn=64, rate=0.02, patience=6)


#: Products of each category, of which the last has no events.
EACH = 7


@pytest.fixture
def data(shop, make_product):
    """Shoppers who each look at five products of one category, in any order."""
    random = np.random.default_rng(0)
    for category in CATEGORIES:
        for number in range(len(shop.of(category)), EACH):
            product = make_product(name=f"{category} {number}", category=category)
            row = KINDS[CATEGORIES.index(category)] + 0.05 * random.normal(size=4)
            row = (row / np.linalg.norm(row)).astype(np.float32)
            store(shop.version, product, row)
            shop.products.append(product)
            shop.content = np.concatenate([shop.content, row[None]])
    at = {product.pk: number for number, product in enumerate(shop.products)}
    by_category = [[at[product.pk] for product in shop.of(name)] for name in CATEGORIES]
    sequences = [random.permutation(by_category[s % 3][:-1])[:5].tolist() for s in range(120)]
    made = make_interactions(
        sequences,
        times=[[DAY_S * (10 * step + s % 7) for step in range(5)] for s in range(120)],
        items=len(shop.products),
        content=shop.content,
    )
    made.names[:] = [shop.name(product) for product in shop.products]
    return Data(made, shop.version.pk)


def measures(ndcg):
    values = np.array(ndcg, dtype=float)
    return Measures(10, values, values, np.ones(3, dtype=np.int64))


@pytest.mark.django_db
def test_a_run_stores_a_live_model_with_its_figures(data, shop):
    steps = []
    model = train_factors(data, SMALL, progress=lambda *step: steps.append(step))
    model.refresh_from_db()
    assert (model.kind, model.status) == ("factors", "live")
    assert model.artefact_is_intact()
    assert model.window["events"] == 600
    assert model.window["first"] == "1970-01-01T00:00:00+00:00"
    for split in ("leave_one_out", "by_time"):
        assert set(model.figures[split]) == {"factors", "popularity", "co-occurrence"}
    assert model.figures["decision"]["promoted"]
    assert "of popularity" in model.figures["decision"]["reason"]
    assert model.figures["calibration"]["after"]["brier"] < 0.25
    assert len(model.curves["loss"]) >= model.config["epochs"]
    assert {"train on all", "rank factors", "items"} <= {phase for phase, *_rest in steps}


@pytest.mark.django_db
def test_the_live_model_answers_in_numpy_as_the_trained_one(data, shop):
    train_factors(data, SMALL)
    live = read_live_model("default")
    assert live.network.config.wiring == "mean"
    seen = shop.of("Mugs")[:2]
    items = live.read_items([product.pk for product in shop.products], "default")
    assert len(items) == 3 * EACH
    rows = np.stack([items[product.pk] for product in seen])
    shopper = live.network.encode(rows, np.ones(2, np.int8), np.zeros(2, np.float32))
    others = [product for product in shop.products if product not in seen]
    best = sorted(others, key=lambda product: -float(shopper @ items[product.pk]))[: EACH - 2]
    # The last mug has no events, only content.
    assert {product.pk for product in best} == {product.pk for product in shop.of("Mugs")[2:]}


def test_repeated_events_do_not_move_the_mean_of_a_shopper():
    """The trained scores take each item once, so the web process must, too."""
    rows = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert mean_of_items(rows) == pytest.approx([0.5, 0.5])
    model = FactorModel(FactorOptions(dim=2))
    model.vectors = rows[[0, 3]]
    assert model.shoppers([make_history(0, 0, 0, 1)])[0] == pytest.approx([0.5, 0.5])


@pytest.mark.django_db
@pytest.mark.parametrize("content", [True, False])
def test_the_artefact_is_read_without_safetensors(data, content):
    interactions = data.interactions
    if not content:
        interactions.content[:] = 0
    trained = FactorModel(SMALL)
    trained.fit(interactions)
    config, weights = read_artefact(artefact(trained))
    assert config.dim == 8
    assert (config.content_dim, "content.weight" in weights) == (
        (4, True) if content else (0, False)
    )
    assert weights["dense.weight"][0] == pytest.approx(trained.dense[0])
    if content:  # the vectors of new products have the length of those that were learned
        projected = project_content(weights, config, interactions.content)
        assert projected == pytest.approx(interactions.content @ trained.projection.T, abs=1e-5)


@pytest.mark.django_db
def test_a_model_that_learned_nothing_is_refused_and_not_live(data):
    data.interactions.content[:] = 0  # content alone would tell the categories apart
    model = train_factors(data, FactorOptions(dim=8, epochs=1, rate=0.0, drawn=64))
    model.refresh_from_db()
    assert model.status == "refused"
    assert not model.figures["decision"]["promoted"]
    assert ShopperModel.objects.live("factors") is None


@pytest.mark.django_db
@pytest.mark.parametrize("error", [MemoryError("no memory"), KeyboardInterrupt()])
def test_a_run_that_ends_early_is_marked(data, monkeypatch, error):
    def fails(*arguments):
        raise error

    monkeypatch.setattr(factors_training, "_measure", fails)
    with pytest.raises(type(error)):
        train_factors(data, SMALL)
    model = ShopperModel.objects.get()
    assert model.status == "failed"
    assert model.error.startswith(str(error) or "KeyboardInterrupt at ")


@pytest.mark.django_db
def test_too_few_events_are_named_and_stored(shop):
    events = make_interactions([[0, 1]], items=12, content=shop.content)
    with pytest.raises(Exception, match="None of 1 shoppers has three different products"):
        train_factors(Data(events, shop.version.pk))
    assert ShopperModel.objects.get().status == "failed"


@pytest.mark.django_db
def test_events_at_one_moment_leave_the_split_by_time_out(data):
    data.interactions.times[:] = 5
    model = train_factors(data, SMALL, publish=False)
    assert "by_time" not in model.figures
    assert "No shopper has events both before" in model.figures["by_time_error"]
    assert model.status == "candidate"


@pytest.mark.parametrize(
    ("ours", "theirs", "promoted", "told"),
    [
        ([0.5, 0.6, 0.5, 0.6], [0.3, 0.4, 0.3, 0.4], True, "of popularity"),
        ([0.9, 0.0, 0.9, 0.0], [0.0, 0.8, 0.0, 0.8], False, "chance explains"),
        ([0.31, 0.41, 0.31, 0.41], [0.3, 0.4, 0.3, 0.4], False, "less than 5% better"),
    ],
)
def test_the_decision_needs_a_margin_beyond_chance(ours, theirs, promoted, told):
    found = decide({"factors": measures(ours), "popularity": measures(theirs)}, {})
    assert found["promoted"] is promoted
    assert told in found["reason"]


def test_a_model_that_is_worse_later_is_refused():
    last = {"factors": measures([0.5, 0.6]), "popularity": measures([0.3, 0.4])}
    later = {"factors": measures([0.1, 0.2]), "popularity": measures([0.3, 0.4])}
    assert not decide(last, later)["promoted"]
    assert "split by time" in decide(last, later)["reason"]
    assert decide(last, last)["promoted"]


@pytest.mark.django_db
def test_a_promotion_that_fails_leaves_no_live_model(data, monkeypatch):
    def refuses(*arguments):
        raise TrainingError("no live encoder version")

    monkeypatch.setattr(factors_training.promotion, "promote", refuses)
    with pytest.raises(TrainingError):
        train_factors(data, SMALL)
    assert ShopperModel.objects.get().status == "failed"
