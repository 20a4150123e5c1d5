"""A real Celery worker process over real Valkey and PostgreSQL."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.db import connection

from shop import services
from similarity.indexing import outbox, versions, workers
from similarity.models import EncoderVersion, PendingProduct, ProductVectors
from tests.fixtures_indexing import fake_encoders  # noqa: F401

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parent.parent


def database_url():
    parts = urlsplit(services.database_url())
    return parts._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


@contextmanager
def worker(folder, *arguments, **environment):
    """``celery worker`` on the test database; its whole process group ends with the block."""
    log = folder / f"worker-{time.monotonic_ns()}.log"
    command = [
        sys.executable, "-m", "celery", "-A", "shop", "worker", "-P", "solo", "-Q", "similarity",
        "--without-gossip", "--without-mingle", "-l", "INFO", *arguments,
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={
                **os.environ,
                "DATABASE_URL": database_url(),
                "CELERY_BROKER_URL": django_settings.CELERY_BROKER_URL,
                "DJANGO_SETTINGS_MODULE": "tests.worker_settings",
                **environment,
            },
        )
        process.log = log
        try:
            wait_for(lambda: b" ready." in log.read_bytes(), 60, process)
            yield process
        finally:
            kill(process)


def kill(process):
    """SIGKILL, as a lack of memory ends it: nothing can be tidied up."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def wait_for(condition, timeout_s, process):
    until = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until or process.poll() is not None:
            pytest.fail(f"Not within {timeout_s} s; the worker says:\n{process.log.read_text()}")
        time.sleep(0.1)


def embedded(*products):
    return ProductVectors.objects.filter(product__in=products).count() == len(products)


@pytest.mark.usefixtures("fake_encoders")
def test_a_saved_product_has_vectors_within_seconds(make_product, tmp_path):
    with worker(tmp_path) as process:
        product = make_product(name="Red wool scarf")
        wait_for(lambda: embedded(product), 15, process)
        before = ProductVectors.objects.get(product=product).text
        product.name = "Steel frying pan"
        product.save()
        began = time.monotonic()
        changed = ProductVectors.objects.filter(product=product)
        wait_for(lambda: changed.get().text != before, 10, process)
        assert time.monotonic() - began < 5
        wait_for(lambda: not PendingProduct.objects.exists(), 10, process)
        assert workers.seen(), "the worker said that it is alive"
    assert EncoderVersion.objects.live().status == "live"


@pytest.mark.usefixtures("fake_encoders")
def test_a_worker_killed_in_the_middle_of_a_batch_loses_nothing(make_product, tmp_path):
    versions.ensure_live_version()
    products = [make_product(name=f"Slow product {number}") for number in range(6)]
    marker = {"FAKE_ENCODER_MARKER": str(tmp_path / "encoding")}
    with worker(tmp_path, **marker) as process:
        outbox.enqueue(products)
        wait_for((tmp_path / "encoding").exists, 20, process)
        kill(process)
    assert not embedded(*products)
    assert PendingProduct.objects.count() == 6
    with worker(tmp_path, "-B", "-s", str(tmp_path / "beat"), **marker) as process:
        wait_for(lambda: embedded(*products), 40, process)
        wait_for(lambda: not PendingProduct.objects.exists(), 10, process)


@pytest.mark.weights
def test_the_real_encoders_embed_a_saved_product(make_product, tmp_path):
    with worker(tmp_path, WORKER_ENCODERS="real") as process:
        product = make_product(name="Red wool scarf", description="Soft and warm.")
        wait_for(lambda: embedded(product), 120, process)
    row = ProductVectors.objects.get(product=product)
    assert row.text is not None
    assert row.image is None
    assert sum(x * x for x in row.fused) == pytest.approx(1, abs=0.01)
