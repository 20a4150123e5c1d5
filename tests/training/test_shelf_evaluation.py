"""The figures of `evaluate shelves`, by hand, of a data set and of a shop."""

import json
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from similarity.encoders.base import Encoded, unit_rows
from similarity.training.datasets import Dataset
from similarity.training.shelf_evaluation import Shelves, of_dataset
from tests.encoders.photos import content
from tests.retrieval.conftest import make_catalogue, make_version  # noqa: F401


def test_figures_by_hand():
    shelves = Shelves("floor", ["A > x", "A > y", "B"], [["A > x", "A > z", "B"], [], ["B"]])
    assert shelves.figures() == {
        "foreign departments": pytest.approx(1 / 4),
        "shelves with any": pytest.approx(1 / 3),
        "same category": pytest.approx(2 / 4),
        "hits a shelf": pytest.approx(4 / 3),
        "empty shelves": pytest.approx(1 / 3),
    }


def test_of_a_data_set_the_floor_keeps_out_what_filling_lets_in(settings):
    """Sixty products of ten kinds in five departments; a kind has fewer products than places."""
    rng = np.random.default_rng(3)
    kinds = np.arange(60) % 10
    rows = unit_rows(np.eye(32)[kinds] + 0.15 * rng.normal(size=(60, 32)))
    dataset = Dataset(
        "drawn",
        [content(str(at)) for at in range(60)],
        {},
        paths=[f"D{kind // 2} > K{kind}" for kind in kinds],
    )
    report = of_dataset(dataset, {"text": Encoded(rows, np.ones(60, bool))})
    filled, floor = (row.figures() for row in report.rows)
    assert filled["foreign departments"] > 0.2
    assert floor["foreign departments"] < 0.05
    assert floor["same category"] > filled["same category"]
    assert 3 < floor["hits a shelf"] < filled["hits a shelf"] == 8
    assert "foreign departments" in report.text()


@pytest.mark.django_db
def test_of_the_shop_at_hand(make_catalogue):  # noqa: F811
    made = make_catalogue(40, clusters=4)
    out = StringIO()
    call_command("similarity", "evaluate", "shelves", "--json", "--limit", "10", stdout=out)
    report = json.loads(out.getvalue())
    assert report["dataset"] == "this shop"
    # Nothing is learned yet: both are alike.
    assert report["shelves"]["filled"]["hits a shelf"] == 8
    assert len(made.products) == 40


@pytest.mark.django_db
def test_without_categories_there_is_nothing_to_count(make_product):
    for _ in range(3):
        make_product()
    with pytest.raises(CommandError, match="Fewer than two categories"):
        call_command("similarity", "evaluate", "shelves", stdout=StringIO())
