"""What lies near in the vectors lies near in the picture."""

import sys

import numpy as np
import pytest

from similarity.encoders.base import unit_rows
from similarity.exceptions import ConfigurationError
from similarity.insights import layout


@pytest.fixture
def clusters():
    rng = np.random.default_rng(3)
    return unit_rows(np.repeat(np.eye(4, 12), 25, axis=0) + rng.normal(scale=0.1, size=(100, 12)))


def test_clusters_stay_together_inside_the_picture(clusters):
    points = layout.two_dimensions(clusters)
    assert points.shape == (100, 2)
    assert points.min() >= layout.MARGIN - 0.1
    assert points.max() <= layout.SIDE - layout.MARGIN + 0.1
    far = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(far, np.inf)
    assert np.array_equal(far.argmin(axis=1) // 25, np.arange(100) // 25)


def test_the_same_catalogue_gives_the_same_picture(clusters):
    assert np.allclose(layout.two_dimensions(clusters), layout.two_dimensions(clusters), atol=1e-3)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_few_products_are_drawn_too(clusters, count):
    points = layout.two_dimensions(clusters[:count])
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()


def test_equal_products_lie_on_one_place_and_break_nothing():
    points = layout.two_dimensions(unit_rows(np.ones((30, 5))))
    assert np.isfinite(points).all()


def test_axes_are_those_of_most_variance_and_their_signs_are_fixed(clusters):
    axes = layout.principal_axes(clusters, 3)
    assert (np.diff(axes.var(axis=0)) <= 1e-6).all()
    mirrored = layout.principal_axes(clusters[::-1], 3)[::-1]
    assert np.allclose(axes, mirrored, atol=1e-4)


def test_without_the_library_it_says_what_to_install(clusters, monkeypatch):
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(ConfigurationError, match=r"django-similarity\[map\]"):
        layout.two_dimensions(clusters)
