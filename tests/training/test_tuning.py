"""Weights are chosen for what they give on several catalogues."""

import numpy as np
import pytest

from similarity.catalog.content import ProductContent
from similarity.encoders.base import Encoded, unit_rows
from similarity.encoders.fusion import Fusion
from similarity.training.datasets import Dataset
from similarity.training.evaluation import evaluate, halves, table
from similarity.training.metrics import Share
from similarity.training.tuning import Trial, Tuner, grid, objective

WEIGHTS = {"text": 0.4, "image": 0.4, "colour": 0.1, "attributes": 0.1}
DIMENSIONS = {"text": 4, "image": 4, "colour": 4}


def catalogue(name: str, seed: int) -> tuple[Dataset, dict[str, Encoded]]:
    """The text part knows the type, the colour part the colour, the others nothing."""
    random = np.random.default_rng(seed)
    count = 120
    types, colours = random.integers(0, 4, count), random.integers(0, 3, count)

    def part(codes, noise):
        signal = np.eye(6)[codes] if codes is not None else np.zeros((count, 6))
        vectors = unit_rows(signal + noise * random.normal(size=(count, 6)))
        return Encoded(vectors, np.ones(count, bool))

    data = Dataset(
        name=name,
        contents=[ProductContent(key=str(at), title="") for at in range(count)],
        labels={
            "type": [frozenset([str(code)]) for code in types],
            "colour": [frozenset([str(code)]) for code in colours],
        },
    )
    parts = {
        "text": part(types, 0.25),
        "image": part(None, 1.0),
        "colour": part(colours, 0.25),
        "attributes": part(None, 1.0),
    }
    return data, parts


def trial(name: str, seed: int) -> Trial:
    data, parts = catalogue(name, seed)
    return Trial(data, parts, Fusion.fit(parts, WEIGHTS, DIMENSIONS))


def test_parts_that_know_the_answer_get_the_weight():
    choice = Tuner([trial("one", 1), trial("two", 2)], {"attributes": 0.1}).choose()
    assert choice.weights["attributes"] == pytest.approx(0.1)
    assert sum(choice.weights.values()) == pytest.approx(1)
    assert min(choice.weights["text"], choice.weights["colour"]) > choice.weights["image"]
    assert set(choice.held_out) == {"one", "two"}
    for weights, without, on_all in choice.held_out.values():
        assert weights["attributes"] == pytest.approx(0.1)
        assert 0 < without <= 1
        assert without == pytest.approx(on_all, abs=0.1)


def test_no_weights_on_the_grid_are_tried_twice():
    tried = []
    tuner = Tuner([trial("one", 1)], {"attributes": 0.1}, lambda: tried.append(1))
    tuner.choose()
    assert len(tried) >= 36  # the grid over three parts
    count = len(tried)
    tuner.choose()
    assert len(tried) == count


def test_the_grid_covers_the_simplex():
    points = list(grid(["a", "b", "c"], 0.1))
    assert len(points) == 36
    assert all(sum(point.values()) == pytest.approx(1) for point in points)
    assert min(min(point.values()) for point in points) == pytest.approx(0.1)


def test_a_catalogue_without_colours_has_no_say_about_them():
    both = {"type": Share(0.5, 1, 0, 9), "all": Share(0.2, 0.4, 0, 9)}
    type_only = {"type": Share(0.8, 1, 0, 9)}
    assert objective([both]) == pytest.approx((0.5 + 0.5) / 2)
    assert objective([both, type_only]) == pytest.approx(((0.5 + 0.8) / 2 + 0.5) / 2)
    assert objective([]) == 0


def test_halves_part_the_queries():
    first, second = halves(101)
    assert (first ^ second).all()
    assert first.sum() == 50
    assert np.array_equal(first, halves(101)[0])


def test_the_report_has_a_row_for_each_part_and_the_fused_vector():
    data, parts = catalogue("one", 3)
    nothing = Encoded(np.zeros((120, 6), np.float32), np.zeros(120, bool))
    report = evaluate(data, {**parts, "attributes": nothing}, WEIGHTS, DIMENSIONS)
    assert [row.name for row in report.rows] == ["text", "image", "colour", "fused"]
    fused, text, colour = report.fused.shares, report.rows[0].shares, report.rows[2].shares
    assert fused["all"].precision > max(text["all"].precision, colour["all"].precision)
    lines = table(report).splitlines()
    assert lines[0].split()[:3] == ["type", "colour", "all"]
    assert [line.split()[0] for line in lines[1:]] == [
        "text", "image", "colour", "fused", "attainable",
    ]  # fmt: skip
    figures = report.as_json()["figures"]["fused"]
    assert figures["type@10"] == pytest.approx(fused["type"].precision)
    assert figures["all_attained"] == pytest.approx(fused["all"].attained)
