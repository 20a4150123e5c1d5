"""`manage.py similarity co-demand`: text, CSV, plot, and what it refuses."""

import csv

import pytest
from django.core.management import CommandError, call_command

from similarity.catalog import times
from similarity.planning.models import DemandSnapshot
from tests.fixtures_demand import make_demand_shop  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today(demand_shop, monkeypatch):
    monkeypatch.setattr(times, "today", lambda: demand_shop.today)


def run(capsys, *arguments):
    call_command("similarity", "co-demand", *arguments)
    return capsys.readouterr().out


def test_one_product(demand_shop, capsys):
    text = run(capsys, "--product", str(demand_shop.tea.pk), "--sells", "60")
    assert "Tea" in text
    assert "Teapot" in text
    assert "60 in " in text


def test_one_category(demand_shop, capsys):
    assert "Teapots" in run(capsys, "--category", "Teas")


def test_all_as_csv_of_products_and_of_categories(demand_shop, capsys, tmp_path):
    folder = tmp_path / "new" / "reports"
    text = run(capsys, "--all", "--csv", str(folder))
    for name, expected in (("products", "Tea"), ("categories", "Teas")):
        path = folder / f"co_demand_{name}.csv"
        assert str(path) in text
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert expected in {row["if_sold"] for row in rows}


def test_all_is_kept_for_the_admin_unless_it_is_a_dry_run(demand_shop, capsys):
    run(capsys, "--all", "--dry-run")
    assert not DemandSnapshot.objects.exists()
    assert "Kept for the admin: 2 items" in run(capsys, "--all")
    assert set(DemandSnapshot.objects.values_list("kind", "title")) == {
        ("product", "Tea"),
        ("product", "Teapot"),
        ("category", "Teas"),
        ("category", "Teapots"),
    }


def test_plot(demand_shop, capsys, tmp_path):
    path = tmp_path / "plot.png"
    run(capsys, "--product", str(demand_shop.tea.pk), "--plot", str(path))
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "one of the arguments"),
        (["--product", "999999"], "had no sales"),
        (["--category", "Boats"], "'Boats' had no sales"),
        (["--all", "--weeks", "0"], "--weeks is 0"),
        (["--all", "--weeks", "9"], "whole weeks of sales"),
        (["--all", "--limit", "0"], "--limit is 0"),
        (["--all", "--sells", "-1"], "--sells is -1"),
        (["--all", "--max-lag", "99"], "max_lag is 99"),
        (["--all", "--false-share", "2"], "false_share is 2"),
        (["--all", "--plot", "/nowhere/plot.png"], "cannot be written"),
        (["--all", "--csv", "/proc/nowhere"], "cannot be written"),
    ],
)
def test_what_cannot_be_is_refused_with_the_remedy(demand_shop, arguments, told):
    with pytest.raises(CommandError, match=told):
        call_command("similarity", "co-demand", *arguments)
