"""``similarity train-factors`` learns from the shop's events, and says what became of it."""

from datetime import timedelta

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from similarity.events import partitions
from similarity.events.models import Event, Kind, Profile
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.subcommands import train_factors as command

pytest.importorskip("torch")
pytestmark = pytest.mark.django_db


@pytest.fixture
def visited(shop):
    """Sixty shoppers who each look at all four products of a category, at one of them twice."""
    now = timezone.now()
    partitions.create(now - timedelta(days=60), now, "default")
    random = np.random.default_rng(0)
    by_category = [shop.of(name) for name in ("Mugs", "Lamps", "Chairs")]
    for number in range(60):
        profile = Profile.objects.create(pseudonym=f"{number:064d}")
        products = [by_category[number % 3][at] for at in random.permutation(4)]
        Event.objects.bulk_create(
            Event(
                profile=profile,
                product=product,
                kind=Kind.VIEW,
                at=now - timedelta(days=40 - 12 * step, minutes=number),
            )
            for step, product in enumerate([*products[:1], *products], start=-1)
        )


def train(*arguments):
    call_command("similarity", "train-factors", "--epochs", "6", "--dim", "8", *arguments)


def test_it_trains_measures_and_makes_the_model_live(visited, capsys):
    train()
    told = capsys.readouterr()
    model = ShopperModel.objects.get()
    assert model.status == "live"
    assert model.window["events"] == 300
    assert model.config["options"]["dim"] == 8
    assert f"Model {model.pk} is live: NDCG@10" in told.out
    for name in ("factors", "popularity", "co-occurrence"):
        assert f"last item  {name}" in told.out
    assert "by time" in told.out.lower()
    assert "train on all" in told.err  # a progress bar for each phase


def test_a_dry_run_changes_no_shelf(visited, capsys):
    train("--dry-run")
    assert ShopperModel.objects.get().status == "candidate"
    assert "is candidate" in capsys.readouterr().out


def test_only_the_last_days_are_learned_from(visited):
    train("--dry-run", "--days", "50")
    assert ShopperModel.objects.get().window["events"] == 240


def test_a_shop_without_events_is_told_so(shop):
    with pytest.raises(CommandError, match="needs a longer history"):
        train()


def test_interrupting_leaves_the_live_model_and_marks_the_run(visited, monkeypatch, capsys):
    train()

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("similarity.shoppers.training.factors.FactorModel.fit", interrupted)
    with pytest.raises(SystemExit) as ended:
        train()
    assert ended.value.code == 130
    assert "marked as failed" in capsys.readouterr().err
    assert list(ShopperModel.objects.order_by("pk").values_list("status", flat=True)) == [
        "live",
        "failed",
    ]


def test_an_option_out_of_bounds_is_named():
    with pytest.raises(CommandError, match="dim is 0; it must be from 1"):
        call_command("similarity", "train-factors", "--dim", "0")


def test_help_tells_the_defaults():
    text = command.Command().create_parser("manage.py", "train-factors").format_help()
    assert f"({command.DEFAULTS.epochs})" in text
