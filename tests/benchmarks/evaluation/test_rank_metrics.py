import math

import pytest

from benchmarks.evaluation.rank_metrics import (
    EXPONENTIAL,
    OFFICIAL,
    ndcg,
    recall,
    reciprocal_rank,
)

LABELS = {0: "E", 1: "S", 2: "I", 3: "E"}


def test_ndcg_by_hand():
    ideal = 1 + 1 / math.log2(3) + 0.1 / 2
    assert ndcg([0, 3, 1, 2], LABELS, OFFICIAL) == pytest.approx(1)
    assert ndcg([2, 0, 9], LABELS, OFFICIAL) == pytest.approx((1 / math.log2(3)) / ideal)
    assert ndcg([1], LABELS, EXPONENTIAL, top=1) == pytest.approx(3 / 7)
    assert ndcg([5], {5: "I"}, OFFICIAL) == 0.0


def test_recall_counts_no_more_than_could_be_there():
    assert recall([0, 9, 3], LABELS) == 1.0
    assert recall([9, 0, 3], LABELS, depth=1) == 0.0
    assert recall([0], LABELS, depth=1) == 1.0
    assert recall([0], {0: "I"}) == 0.0


def test_reciprocal_rank_is_of_the_first_exact_product():
    assert reciprocal_rank([2, 1, 3, 0], LABELS) == pytest.approx(1 / 3)
    assert reciprocal_rank([2], LABELS) == 0.0
