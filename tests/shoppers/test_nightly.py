"""The nightly training trains where there is enough to learn, and says why it does not."""

import logging

import pytest

from similarity.connections.locks import LockTaken
from similarity.exceptions import TrainingError
from similarity.shoppers import tasks
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.training import nightly, sequence_training
from similarity.shoppers.training.baselines import Popularity
from tests.shoppers.test_sequence_training import RUN, large_shop, make_data  # noqa: F401

pytest.importorskip("torch", reason="the encoders extra is not installed")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small(monkeypatch, caplog):
    monkeypatch.setattr(sequence_training, "RIVALS", (Popularity,))
    monkeypatch.setattr(nightly, "chosen_run", lambda: RUN)
    caplog.set_level(logging.INFO, logger="similarity.shoppers")


@pytest.fixture
def read(monkeypatch):
    """Let the training read these data."""

    def read(data):
        monkeypatch.setattr(nightly, "read_interactions", lambda _using: data)

    return read


def test_it_trains_a_model_and_logs_the_decision(large_shop, read, caplog):  # noqa: F811
    read(make_data(large_shop))
    tasks.train_shoppers()
    [model] = ShopperModel.objects.all()
    assert (model.kind, model.status) == ("sequence", "live")
    assert model.figures["decision"]["reason"] in caplog.text


def test_the_factor_model_answers_while_no_sequence_model_is_live(
    large_shop,  # noqa: F811
    read,
    monkeypatch,
):
    trained = []
    monkeypatch.setattr(sequence_training.gate, "decide", refuse)
    monkeypatch.setattr(nightly, "train_factors", lambda data, device: trained.append(data) or STUB)
    data = make_data(large_shop)
    read(data)
    assert nightly.train_nightly().status == "refused"
    assert trained == [data]


class STUB:
    figures = {"decision": {"reason": "of the stub"}}


def refuse(*_measures):
    return sequence_training.gate.Decision(False, "refused by the test")


def test_few_events_are_not_learned_from(large_shop, read, caplog):  # noqa: F811
    read(make_data(large_shop, shoppers=10))
    assert nightly.train_nightly() is None
    assert "there are 65 events of shoppers, and it takes 1000" in caplog.text
    assert not ShopperModel.objects.exists()


def test_a_live_model_stays_while_too_few_shoppers_came_back(
    large_shop,  # noqa: F811
    read,
    caplog,
):
    read(make_data(large_shop))
    nightly.train_nightly()
    assert nightly.train_nightly() is None
    assert "0 shoppers came back" in caplog.text
    assert ShopperModel.objects.count() == 1


def test_a_worker_without_torch_says_what_to_do(monkeypatch, caplog):
    monkeypatch.setattr(nightly, "find_spec", lambda name: None if name == "torch" else name)
    assert nightly.train_nightly() is None
    assert "this worker has no torch; install django-similarity[encoders]" in caplog.text


def test_two_trainings_never_run_at_once(monkeypatch, caplog):
    def taken(*_args):
        raise LockTaken("taken")

    monkeypatch.setattr(nightly, "advisory_lock", taken)
    assert nightly.train_nightly() is None
    assert "another training runs" in caplog.text


def test_an_error_of_the_plugin_is_a_line_in_the_log(monkeypatch, caplog):
    def fail(_using):
        raise TrainingError("There is no live encoder version")

    monkeypatch.setattr(nightly, "read_interactions", fail)
    tasks.train_shoppers()
    assert "No model of shoppers was trained: There is no live encoder version" in caplog.text
