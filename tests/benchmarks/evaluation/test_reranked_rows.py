"""Rows of re-ranking in the evaluation of search, on a catalogue whose right order is known."""

import numpy as np
import pytest

from benchmarks.evaluation.reranked_rows import reranked_rows
from benchmarks.evaluation.search_datasets import JudgedQuery, SearchDataset
from benchmarks.evaluation.search_evaluation import folds
from similarity.catalog.content import ProductContent
from similarity.search.models import SearchDocument

pytestmark = pytest.mark.django_db

KINDS = ("mug", "scarf", "lamp", "chair", "bag")


@pytest.fixture
def data():
    """Of each kind a product in navy and one in red; asked for in navy."""
    contents = [
        ProductContent(key=f"{kind}-{colour}", title=f"{colour} {kind}")
        for kind in KINDS
        for colour in ("red", "navy")
    ]
    queries = [
        JudgedQuery(f"navy {kind}", {2 * at: "S", 2 * at + 1: "E"}) for at, kind in enumerate(KINDS)
    ]
    return SearchDataset("made up", contents, queries)


def test_a_bad_order_is_put_right_and_nothing_stays_in_the_database(data):
    judged = [[2 * at, 2 * at + 1] for at in range(len(KINDS))]
    full = [list(range(10)) for _ in KINDS]
    cosines = np.zeros((len(KINDS), 10), np.float32)
    blend, learned = reranked_rows("host", data, cosines, judged, full, folds(len(KINDS)))
    assert (blend.name, learned.name) == (
        "host, re-ranked (blend)",
        "host, re-ranked (learned)",
    )
    for row in (blend, learned):
        assert row.judged == [[2 * at + 1, 2 * at] for at in range(len(KINDS))]
        assert [order[0] for order in row.full] == [2 * at + 1 for at in range(len(KINDS))]
        assert all(sorted(order) == list(range(10)) for order in row.full)
    assert not SearchDocument.objects.exists()
