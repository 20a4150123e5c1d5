"""personal=1 moves what is near to the shopper some places, never from the end to the front."""

import pytest
from django.test import RequestFactory

from similarity.extension import Extension
from similarity.similar.hits import Hit
from similarity.similar.personal_order import PERSONAL_WEIGHT, in_personal_order, personal_order


def test_equal_or_unknown_nearness_keeps_the_order():
    assert personal_order([None] * 4, 0.1) == [0, 1, 2, 3]
    assert personal_order([0.5] * 4, 0.1) == [0, 1, 2, 3]
    assert personal_order([], 0.1) == []


def test_a_near_product_moves_some_places_up():
    nearness = [0.0] * 12
    nearness[6] = 1.0
    order = personal_order(nearness, PERSONAL_WEIGHT)
    assert 0 < order.index(6) < 6 or order.index(6) == 0
    assert sorted(order) == list(range(12))
    assert [at for at in order if at != 6] == [at for at in range(12) if at != 6]


def test_weight_0_changes_nothing_and_a_large_weight_decides_alone():
    nearness = [0.1, 0.9, 0.5, None]
    assert personal_order(nearness, 0.0) == [0, 1, 2, 3]
    assert personal_order(nearness, 100.0)[0] == 1
    assert personal_order(nearness, 100.0)[-1] == 0


def test_an_unknown_product_is_taken_as_average():
    assert personal_order([1.0, None, -1.0], 100.0) == [0, 1, 2]


@pytest.mark.django_db
def test_an_app_that_fails_costs_only_the_order(monkeypatch, caplog):
    def broken(self, request, keys, using):
        raise RuntimeError("no vectors")

    monkeypatch.setattr("similarity.shoppers.extension.ShoppersExtension.nearness", broken)
    hits = [Hit("1", 0.9, "fused"), Hit("2", 0.8, "fused")]
    assert in_personal_order(hits, RequestFactory().get("/")) == hits
    assert "not re-ordered" in caplog.text
    assert Extension().nearness(RequestFactory().get("/"), [1], "default") == {}
