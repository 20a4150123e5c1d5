"""train-sequence and evaluate-sequence, on events of a shop."""

from datetime import timedelta

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from similarity.events import partitions
from similarity.events.models import Event, Kind, Profile
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.subcommands import train_sequence as command
from similarity.shoppers.training import sequence_training, trials
from similarity.shoppers.training.baselines import Popularity
from similarity.shoppers.training.sequence_training import chosen_run
from tests.shoppers.test_sequence_training import RUN, large_shop, make_data, walk  # noqa: F401

pytest.importorskip("torch", reason="the encoders extra is not installed")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(sequence_training, "RIVALS", (Popularity,))
    monkeypatch.setattr(command, "chosen_run", lambda: RUN)


def record(shop, begin, shoppers: int = 300, seed: int = 0, mark: str = "a") -> None:
    """Store shoppers' views in the database, a minute apart."""
    partitions.create(begin, timezone.now(), "default")  # the month before may have none
    random = np.random.default_rng(seed)
    profiles = Profile.objects.bulk_create(
        Profile(pseudonym=f"{mark}{number}") for number in range(shoppers)
    )
    Event.objects.bulk_create(
        Event(
            profile=profile,
            kind=Kind.VIEW,
            product_id=shop.products[item].pk,
            at=begin + timedelta(minutes=step, seconds=number % 60),
        )
        for number, profile in enumerate(profiles)
        for step, item in enumerate(walk(random, 6 + number % 2))
    )


@pytest.fixture
def events(large_shop):  # noqa: F811
    record(large_shop, timezone.now() - timedelta(hours=8))
    return large_shop


def run(*arguments, **options) -> str:
    from io import StringIO

    output = StringIO()
    call_command("similarity", *arguments, stdout=output, **options)
    return output.getvalue()


def test_a_shop_trains_a_model_and_sees_its_figures(events):
    output = run("train-sequence")
    [model] = ShopperModel.objects.all()
    assert model.status == "live", output
    assert "last item  sequence       Recall@10" in output
    assert f"Model {model.pk} is live: last item: NDCG@10" in output
    assert model.window["events"] == 1950


def test_a_dry_run_changes_no_shelf(events):
    assert "is candidate" in run("train-sequence", "--dry-run")
    assert not ShopperModel.objects.filter(status="live").exists()


def test_options_reach_the_training(events, tmp_path):
    run("train-sequence", "--dry-run", "--epochs", "2", "--seed", "5", "--int8")
    [model] = ShopperModel.objects.all()
    assert model.config["options"]["epochs"] == 2
    assert model.config["options"]["seed"] == 5
    (tmp_path / "model").write_bytes(bytes(model.weights))
    warm = str(tmp_path / "model")
    run("train-sequence", "--dry-run", "--warm-from", warm, "--resume", str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} >= {"on-all", "to-be-measured"}


def test_events_before_the_days_are_left_out(events):
    record(events, timezone.now() - timedelta(days=20), shoppers=50, mark="old")
    run("train-sequence", "--dry-run", "--epochs", "1", "--days", "3")
    assert ShopperModel.objects.get().window["events"] == 1950


@pytest.mark.parametrize("epochs", ["0", "many"])
def test_a_bad_number_of_epochs_is_named(epochs):
    with pytest.raises(CommandError, match=f"'{epochs}' is not a whole number"):
        run("train-sequence", "--epochs", epochs)


def test_trials_choose_on_the_validation_split_and_later_runs_keep_the_choice(events, monkeypatch):
    """A rate of 0 learns nothing, so the other one is chosen."""
    monkeypatch.setattr(trials, "SHAPES", {})
    monkeypatch.setattr(trials, "OPTIONS", {"rate": (2e-2,), "dropout": (0.9,)})
    idle = sequence_training.replace(RUN, options=sequence_training.replace(RUN.options, rate=0.0))
    monkeypatch.setattr(command, "chosen_run", lambda: idle)
    output = run("train-sequence", "--dry-run", "--try")
    [model] = ShopperModel.objects.all()
    assert "{'rate': 0.02}" in output.splitlines()[0]
    assert "defaults" in output
    assert model.config["options"]["rate"] == 2e-2
    assert model.config["trials"][0]["changes"]["rate"] == 2e-2
    assert chosen_run().options.rate == 2e-2
    assert chosen_run().config.content_dim == 4


def test_without_trials_the_defaults_are_used():
    assert chosen_run() == sequence_training.Run()


def test_choices_of_an_older_version_are_not_used(caplog):
    ShopperModel.objects.create(kind="sequence", config={"tried": True, "shape": {"depth": 3}})
    assert chosen_run() == sequence_training.Run()
    assert "not those of this version" in caplog.text


def test_a_stored_model_is_measured_on_what_happened_since(events):
    run("train-sequence")
    record(events, timezone.now() - timedelta(minutes=20), seed=7, mark="new")
    # Only those who were there before can be asked.
    for old, new in zip(
        Profile.objects.filter(pseudonym__startswith="a").order_by("pseudonym"),
        Profile.objects.filter(pseudonym__startswith="new").order_by("pseudonym"),
        strict=True,
    ):
        Event.objects.filter(profile=new).update(profile=old)
    output = run("evaluate-sequence")
    for name in ("sequence", "in 8 bits", "half pruned", "popularity"):
        assert f"by time    {name:14} Recall@10" in output
    assert ShopperModel.objects.count() == 1


def test_a_model_that_is_not_there_is_named():
    with pytest.raises(CommandError, match="no live sequence model; train one"):
        run("evaluate-sequence")
    with pytest.raises(CommandError, match="no sequence model 9"):
        run("evaluate-sequence", "9")


def test_a_candidate_without_vectors_cannot_be_evaluated(events):
    run("train-sequence", "--dry-run", "--epochs", "1")
    with pytest.raises(CommandError, match="no vectors of its items"):
        run("evaluate-sequence", str(ShopperModel.objects.get().pk))
