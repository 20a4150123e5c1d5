"""A real Celery worker process over real Valkey and PostgreSQL."""

import time

import pytest

from similarity.models import EncoderVersion, PendingProduct, ProductVectors
from similarity.outbox import draining
from similarity.vectors import heartbeats
from similarity.versions import lifecycle
from tests.fixtures_indexing import fake_encoders  # noqa: F401
from tests.worker_process import kill, wait_for, worker

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


def embedded(*products):
    return ProductVectors.objects.filter(product__in=products).count() == len(products)


@pytest.mark.usefixtures("fake_encoders")
def test_a_saved_product_has_vectors_within_seconds(make_product, tmp_path):
    with worker(tmp_path) as process:
        product = make_product(name="Red wool scarf")
        wait_for(lambda: embedded(product), 60, process)
        before = ProductVectors.objects.get(product=product).text
        product.name = "Steel frying pan"
        product.save()
        began = time.monotonic()
        changed = ProductVectors.objects.filter(product=product)
        wait_for(lambda: changed.get().text != before, 60, process)
        assert time.monotonic() - began < 15
        wait_for(lambda: not PendingProduct.objects.exists(), 30, process)
        assert heartbeats.seen(), "the worker said that it is alive"
    assert EncoderVersion.objects.live().status == "live"


@pytest.mark.usefixtures("fake_encoders")
def test_a_whole_batch_of_a_killed_worker_is_embedded_by_another_within_seconds(
    make_product, tmp_path
):
    """Not when its lease of five minutes is over; and one by one, for one may be a poison."""
    lifecycle.ensure_live_version()
    products = [make_product(name=f"Slow product {number}") for number in range(64)]
    marker = {"FAKE_ENCODER_MARKER": str(tmp_path / "encoding")}
    with worker(tmp_path, **marker) as process:
        draining.enqueue(products)
        wait_for((tmp_path / "encoding").exists, 60, process)
        with worker(tmp_path, "-n", "other@%h", **marker) as other:
            pids = {str(process.pid), str(other.pid)}  # of one machine, and two workers
            wait_for(lambda: pids <= {name.split(":")[1] for name in heartbeats.seen()}, 30, other)
            assert PendingProduct.objects.leased().count() == 64, "the owner lives"
            killed = time.monotonic()
            kill(process)
            wait_for(lambda: not PendingProduct.objects.exists(), 60, other)
            took_s = time.monotonic() - killed
    assert embedded(*products)
    assert took_s < 20


@pytest.mark.usefixtures("fake_encoders")
def test_the_processes_of_one_worker_are_one_worker(make_product, tmp_path):
    with worker(tmp_path, "-P", "prefork", "-c", "2") as process:
        product = make_product(name="Red wool scarf")
        wait_for(lambda: embedded(product), 60, process)
        wait_for(lambda: heartbeats.seen(), 30, process)
        time.sleep(1)
        assert [name.rpartition(":")[2] for name in heartbeats.seen()] == [str(process.pid)]


@pytest.mark.weights
def test_the_real_encoders_embed_a_saved_product(make_product, tmp_path):
    with worker(tmp_path, WORKER_ENCODERS="real") as process:
        product = make_product(name="Red wool scarf", description="Soft and warm.")
        wait_for(lambda: embedded(product), 240, process)
    row = ProductVectors.objects.get(product=product)
    assert row.text is not None
    assert row.image is None
    assert sum(x * x for x in row.fused) == pytest.approx(1, abs=0.01)
