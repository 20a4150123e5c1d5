"""Figures worked out by hand on small catalogues."""

import numpy as np
import pytest

from similarity.catalog.content import ProductContent
from similarity.encoders.base import unit_rows
from similarity.training.datasets import Dataset
from similarity.training.metrics import (
    average_precision,
    label_shares,
    link_recalls,
    neighbours,
)


def dataset(labels, groups=None, links=None) -> Dataset:
    count = len(next(iter(labels.values())))
    groups = groups or [""] * count
    return Dataset(
        name="small",
        contents=[
            ProductContent(key=str(at), title=f"Product {at}", group=group)
            for at, group in enumerate(groups)
        ],
        labels={name: [frozenset(v) for v in values] for name, values in labels.items()},
        links=links or {},
    )


def test_neighbours_come_nearest_first_without_self_group_and_absent():
    angles = np.radians([0, 10, 30, 60, 5])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    vectors[3] = 0  # a product without the part
    found = neighbours(unit_rows(vectors), ["a", "b", "c", "d", "a"], top=4)
    assert found[0].tolist() == [1, 2, -1, -1]  # 4 is its variant
    assert found[1].tolist() == [4, 0, 2, -1]
    assert found[3].tolist() == [-1, -1, -1, -1]


def test_shares_of_one_label():
    # a: 0 1 2, b: 3. Lists of two.
    data = dataset({"type": [{"a"}, {"a"}, {"a"}, {"b"}]})
    found = np.array([[1, 3], [3, 0], [0, 1], [0, 1]])
    share = label_shares(found, data)["type"]
    assert share.queries == 4
    assert share.precision == pytest.approx((1 + 1 + 2 + 0) / 8)
    assert share.attainable == pytest.approx((2 + 2 + 2 + 0) / 8)
    assert share.attained == pytest.approx(4 / 6)
    # Query 3 has no such product and is not asked for the mean average precision.
    assert share.mean_average_precision == pytest.approx((1 / 2 + (1 / 2) / 2 + 1) / 3)


def test_all_labels_together_ask_only_products_that_have_all():
    data = dataset(
        {"type": [{"a"}, {"a"}, {"a"}], "colour": [{"red", "blue"}, {"blue"}, set()]},
    )
    shares = label_shares(np.array([[1, 2], [2, 0], [0, 1]]), data)
    assert set(shares) == {"type", "colour", "all"}
    assert shares["colour"].queries == shares["all"].queries == 2
    assert shares["all"].precision == pytest.approx((1 + 1) / 4)  # any colour in common will do
    assert shares["all"].attained == pytest.approx(1)


def test_variants_of_the_query_do_not_count_as_attainable():
    data = dataset({"type": [{"a"}] * 3}, groups=["g", "g", ""])
    found = np.array([[2, -1], [2, -1], [0, 1]])
    assert label_shares(found, data)["type"].attainable == pytest.approx((1 + 1 + 2) / 6)


def test_queries_can_be_narrowed_while_the_catalogue_stays_whole():
    data = dataset({"type": [{"a"}, {"a"}, {"b"}]})
    found = np.array([[1], [2], [0]])
    share = label_shares(found, data, np.array([True, False, False]))["type"]
    assert (share.queries, share.precision) == (1, 1.0)


def test_no_query_gives_zero_and_no_warning():
    share = label_shares(np.array([[1], [0]]), dataset({"type": [{"a"}, {"b"}]}))["type"]
    assert share.mean_average_precision == 0
    assert share.attained == 0


def test_average_precision_by_hand():
    hits = np.array([[True, False, True, False], [False, False, False, True]])
    # (1/1 + 2/3) / 2 and (1/4) / 4, for ten are relevant and four places are there.
    assert average_precision(hits, np.array([2, 10])) == pytest.approx([5 / 6, 1 / 16])


def test_link_recall_skips_products_without_links_and_links_to_variants():
    links = {
        "related": [frozenset({1, 2}), frozenset(), frozenset({3}), frozenset({2, 0})],
        "none": [frozenset()] * 4,
    }
    data = dataset({"type": [{"a"}] * 4}, groups=["", "", "g", "g"], links=links)
    found = np.array([[1, 3], [0, 2], [1, 0], [0, 1]])
    # 0: one of two. 2: its only link is its variant, so it is not asked. 3: its one other link.
    assert link_recalls(found, data) == {"related": pytest.approx((0.5 + 1) / 2)}
