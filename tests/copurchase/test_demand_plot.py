"""The picture: drawn without a display, empty where nothing is, helpful without matplotlib."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from similarity.exceptions import ConfigurationError
from similarity.planning.demand_backtest import IntervalCalibration
from similarity.planning.demand_plot import FIRST, SECOND, plot_png
from similarity.planning.demand_report import DemandQuestion, DemandReport, demand_report
from tests.copurchase.demand_series import linked_shop, weekly

CALIBRATION = IntervalCalibration(0.8, 1.5, 90, 0.81)


@pytest.fixture(scope="module")
def report():
    sales = weekly(linked_shop(np.random.default_rng(0), lag=1))
    return demand_report(sales, DemandQuestion(), calibration=CALIBRATION)


def pixels(png, colour):
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return int((np.abs(picture.astype(int) - wanted).sum(axis=2) < 12).sum())


def test_both_series_are_drawn(report):
    png = plot_png(report)
    assert Image.open(io.BytesIO(png)).size[0] == 1300
    assert pixels(png, FIRST) > 200
    assert pixels(png, SECOND) > 200


def test_a_pair_is_drawn_once_though_it_is_told_both_ways(report):
    twice = DemandReport(report.sales, [*report.pairs, *report.pairs], CALIBRATION)
    assert Image.open(io.BytesIO(plot_png(twice))).size == (
        Image.open(io.BytesIO(plot_png(report))).size
    )


def test_nothing_to_draw_is_a_picture_that_says_so(report):
    empty = DemandReport(report.sales, [], CALIBRATION)
    assert pixels(plot_png(empty), FIRST) == 0


def test_without_matplotlib_the_extra_is_named(report, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigurationError, match=r"django-similarity\[reports\]"):
        plot_png(report)
