"""Plots of a training run: drawn from stored figures, told in words, helpful without matplotlib."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from similarity.exceptions import ConfigurationError, TrainingError
from similarity.shoppers.models import ShopperModel
from similarity.shoppers.training.calibration import measure_reliability
from similarity.shoppers.training.plots import FIRST, PLOTS, SECOND, describe

CALIBRATED = np.array([0.05, 0.15, 0.9, 0.95])
HAPPENED = np.array([0, 0, 1, 1], dtype=bool)


@pytest.fixture
def model():
    return ShopperModel(
        pk=7,
        kind="factors",
        figures={
            "calibration": {
                "before": measure_reliability(np.full(4, 0.3), HAPPENED).as_json(),
                "after": measure_reliability(CALIBRATED, HAPPENED).as_json(),
                "slope": 2.0,
                "intercept": 0.1,
                "negatives": 4,
            }
        },
        curves={"loss": [0.9, 0.5], "ndcg": [None, 0.31], "recall": [0.1, 0.42], "seconds": [1, 2]},
    )


def pixels(png, colour):
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return int((np.abs(picture.astype(int) - wanted).sum(axis=2) < 12).sum())


@pytest.mark.parametrize("plot", ["calibration", "curves"])
def test_both_lines_are_drawn(model, plot):
    png = PLOTS[plot](model)
    assert pixels(png, FIRST) > 100
    assert pixels(png, SECOND) > 100


def test_outcomes_fill_bars_of_two_colours(model):
    picture = np.asarray(Image.open(io.BytesIO(PLOTS["outcomes"](model))).convert("RGB"), int)
    red, blue = picture[..., 0], picture[..., 2]
    assert (red - blue > 60).sum() > 500  # happened
    assert (blue - red > 60).sum() > 500  # did not


def test_the_words_hold_what_a_reader_without_pictures_needs(model):
    assert describe(model, "calibration") == (
        "Calibration curve. Expected calibration error 0.2000 before and 0.0875 after; "
        "Brier score 0.2900 and 0.0094."
    )
    assert describe(model, "outcomes") == (
        "Predicted chances of 2 pairs that happened and 2 that did not. After calibration the "
        "mean is 0.93 for those that happened, 0.10 for those that did not."
    )
    assert describe(model, "curves") == (
        "Training over 2 epochs: loss from 0.9000 to 0.5000; ndcg from 0.3100 to 0.3100; "
        "recall from 0.1000 to 0.4200."
    )


@pytest.mark.parametrize("plot", PLOTS)
def test_a_run_without_such_figures_is_named(plot):
    with pytest.raises(TrainingError, match=r"has no (calibration|training curves)"):
        PLOTS[plot](ShopperModel(pk=3, kind="sequence"))


def test_without_matplotlib_the_extra_is_named(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(ConfigurationError, match=r"django-similarity\[reports\]"):
        PLOTS["curves"](model)
