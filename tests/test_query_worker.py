"""A real worker of queries over real Valkey and PostgreSQL, and its death."""

import time

import numpy as np
import pytest
from django.core.cache import cache

from similarity.connections import background
from similarity.search import ask_worker, documents
from similarity.search.query_vectors import encode_query
from similarity.search.reranking.rerank import rerank
from similarity.versions import lifecycle
from tests.fixtures_indexing import fake_encoders  # noqa: F401
from tests.worker_process import kill, wait_for, worker

pytestmark = [
    pytest.mark.worker,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fake_encoders"),
]

QUEUE = ("-Q", "similarity.queries")

AMPLE_MS = 30_000  # where the claim is the answer and not its time


@pytest.fixture(autouse=True)
def _hearing(monkeypatch):
    monkeypatch.setattr(ask_worker, "silence", ask_worker.Silence())
    monkeypatch.setattr(background, "_background", background.Background())


@pytest.fixture
def products(make_product):
    made = [make_product(name=name) for name in ("steel pan", "wool scarf", "red wool scarf")]
    documents.index([str(product.pk) for product in made])
    lifecycle.ensure_live_version()
    return made


def test_queries_are_answered_in_time_until_the_worker_is_killed(products, tmp_path):
    with worker(tmp_path, *QUEUE) as process:
        wait_for(lambda: encode_query("first", timeout_ms=1000) is not None, 60, process)
        vector = encode_query("red wool scarf", timeout_ms=AMPLE_MS)
        assert vector.shape == (8,)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-3)
        answer = rerank("red scarf", products, budget_ms=AMPLE_MS)
        assert answer.reranked, answer.reason
        assert answer.results == products[::-1]
        assert answer.signals.lacking == ()
        kill(process)
    took = []
    for number in range(5):
        ask_worker.silence.end()  # each asks anew, as the first after a pause does
        began = time.monotonic()
        answer = rerank(f"red scarf {number}", products, budget_ms=150)
        took.append(1000 * (time.monotonic() - began))
        assert (answer.results, answer.reranked) == (products, False)
        assert answer.reason in ("no_query_vector", "out_of_time")
    assert min(took) < 250, "the machine may be busy, but not five times"
    assert rerank("red scarf", products, budget_ms=AMPLE_MS).reranked, "its vector is in the cache"


def test_a_message_that_is_too_old_is_not_answered(products, tmp_path):
    """Else a worker that comes back would first work off what nobody waits for."""
    assert encode_query("long ago", timeout_ms=20) is None
    time.sleep(ask_worker.LATE_S + 1)
    with worker(tmp_path, *QUEUE) as process:
        wait_for(lambda: encode_query("now", timeout_ms=1000) is not None, 60, process)
    asked = [key for key in cache._cache.get_client().keys("*answer:text*") if b"asked" not in key]
    assert len(asked) == 1
