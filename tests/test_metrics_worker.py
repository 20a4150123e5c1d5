"""A real Celery worker with a prefork pool serves what its child processes measured."""

import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from similarity.models import PendingProduct, ProductVectors
from similarity.outbox import draining
from tests.fixtures_indexing import fake_encoders  # noqa: F401
from tests.worker_process import wait_for, worker

pytestmark = [
    pytest.mark.worker,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fake_encoders"),
]


def test_a_prefork_worker_serves_its_childrens_figures(make_product, tmp_path, free_tcp_port):
    """The children embed; the parent, which serves, has measured nothing itself."""
    address = f"127.0.0.1:{free_tcp_port}"
    folder = tmp_path / "metrics"
    with worker(
        tmp_path,
        *("-P", "prefork", "-c", "2"),
        METRICS_ADDRESS=address,
        PROMETHEUS_MULTIPROC_DIR=str(folder),
    ) as process:
        product = make_product()
        draining.enqueue([product.pk])
        wait_for(ProductVectors.objects.filter(product=product).exists, 60, process)
        wait_for(lambda: not PendingProduct.objects.exists(), 60, process)
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            found = {(s.name, s.labels.get("stage")): s.value for f in families for s in f.samples}
        assert f"histogram_{process.pid}.db" not in {path.name for path in folder.iterdir()}
    for stage in ("read", "encode", "write"):
        assert found["similarity_batch_seconds_count", stage] >= 1
    assert found["similarity_embed_delay_seconds_count", None] >= 1
