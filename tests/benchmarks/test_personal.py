"""The benchmark of personal shelves measures what it says, on a tiny catalogue."""

import argparse
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = argparse.Namespace(
    dimension=16, seed=1, shoppers=3, events=6, pages=2, questions=200, products=[60]
)


@pytest.fixture
def personal(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import personal

    return personal


@pytest.mark.django_db(transaction=True)
def test_shelves_and_page_are_measured_on_personal_answers(personal, capsys):
    from similarity.events.models import Profile
    from similarity.shoppers import recommend_for

    personal.prepare(60, OPTIONS)
    profile = Profile.objects.order_by("pk").first()
    assert "personal" in {hit.tier for hit in recommend_for(profile, 8)}
    personal.shelves(OPTIONS)
    personal.page(OPTIONS)
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| all, live")]
    assert len(rows) == 4
    assert rows[0].split("|")[-2].strip() == "1.000", "every product is compared"


def test_the_weight_of_personal_helps_only_where_taste_decides(personal):
    import numpy as np

    from similarity.similar.personal_order import PERSONAL_WEIGHT

    def gains(share):
        dice = np.random.default_rng(1)
        return np.mean([personal.planted(share, dice) for _ in range(400)], axis=0)

    chosen = personal.WEIGHTS.index(PERSONAL_WEIGHT)
    assert gains(0.0)[0] > gains(0.0)[chosen]
    assert gains(0.75)[chosen] > gains(0.75)[0]
