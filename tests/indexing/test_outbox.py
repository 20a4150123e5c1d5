"""Draining: races, several workers, bad products."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import DataError, connection
from django.db.models import F

from similarity.models import PendingProduct, ProductVectors, retries
from similarity.outbox import draining
from similarity.vectors import pipeline, upsert
from similarity.versions import lifecycle
from tests.encoders_fake import HashEncoder, similarity_settings
from tests.host.models import Category, Product

pytestmark = pytest.mark.django_db


def test_draining_embeds_what_waits(make_product):
    products = [make_product() for _ in range(3)]
    assert draining.drain() == 3
    assert ProductVectors.objects.count() == len(products)
    assert draining.counts() == (0, 0, 0, 0, 0)


def test_a_change_while_encoding_stays_pending(make_product):
    lifecycle.ensure_live_version()
    product = make_product(name="Before")

    def edit():
        HashEncoder.before = None
        Product.objects.filter(pk=product.pk).update(name="After")
        PendingProduct.objects.enqueue([product.pk])

    HashEncoder.before = edit
    pipeline.embed([], claims=PendingProduct.objects.claim(10))
    assert PendingProduct.objects.due().count() == 1
    old = ProductVectors.objects.get().fingerprint
    draining.drain()
    assert ProductVectors.objects.get().fingerprint != old


def test_a_worker_that_lost_its_lease_writes_nothing(make_product):
    lifecycle.ensure_live_version()
    make_product(name="Slow one")
    claims = PendingProduct.objects.claim(10)

    def lose():
        HashEncoder.before = None
        PendingProduct.objects.update(lease_owner=1)  # no living session has this number
        PendingProduct.objects.free_abandoned()
        assert PendingProduct.objects.claim_alone()

    HashEncoder.before = lose
    report = pipeline.embed([], claims=claims)
    assert (report.lost, report.encoded) == (1, 0)
    assert not ProductVectors.objects.exists()
    assert PendingProduct.objects.leased().count() == 1


def test_a_bad_product_backs_off_dies_and_is_revived(make_product, monkeypatch):
    monkeypatch.setattr(retries, "MAX_ATTEMPTS", 2)
    lifecycle.ensure_live_version()
    bad, good = make_product(name="poison"), make_product()
    draining.drain()
    row = PendingProduct.objects.get()
    assert (row.product_key, row.attempts, row.dead) == (str(bad.pk), 1, False)
    assert "this title cannot be encoded" in row.last_error
    assert ProductVectors.objects.filter(product=good).exists()
    PendingProduct.objects.update(available_at=F("created_at"))
    draining.drain()
    assert draining.counts().dead == 1
    Product.objects.filter(pk=bad.pk).update(name="Cured")
    PendingProduct.objects.revive()
    draining.drain()
    assert ProductVectors.objects.filter(product=bad).exists()
    assert not PendingProduct.objects.exists()


def test_a_product_that_cannot_be_stored_fails_alone(make_product, monkeypatch):
    lifecycle.ensure_live_version()
    products = [make_product(name=f"Product {number}") for number in range(3)]
    bad = str(products[1].pk)
    write = upsert.write

    def refuse(version, contents, fused, **options):
        if bad in [content.key for content in contents]:
            raise DataError("the database refuses it")
        write(version, contents, fused, **options)

    monkeypatch.setattr(upsert, "write", refuse)
    draining.drain()
    row = PendingProduct.objects.get()
    assert (row.product_key, row.last_error) == (bad, "DataError: the database refuses it")
    assert ProductVectors.objects.count() == 2


def test_ctrl_c_gives_the_claimed_rows_back(make_product):
    lifecycle.ensure_live_version()
    make_product()

    def interrupt():
        raise KeyboardInterrupt

    HashEncoder.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        draining.drain()
    row = PendingProduct.objects.due().get()
    assert row.attempts == 0


def test_lag_counts_from_when_a_row_was_due(make_product):
    assert draining.lag_s() == 0
    make_product()
    PendingProduct.objects.update(available_at=F("available_at") - timedelta(seconds=90))
    assert 89 < draining.lag_s() < 120
    PendingProduct.objects.update(available_at=F("available_at") + timedelta(days=1))
    assert draining.lag_s() == 0


def test_keys_are_written_as_the_adapter_writes_them(make_product):
    product = make_product()
    PendingProduct.objects.all().delete()
    draining.enqueue([f" {product.pk} ", product.pk, product])
    assert PendingProduct.objects.get().product_key == str(product.pk)


def test_rows_of_another_model_are_no_products(make_product):
    """Their keys would be taken for those of products that nobody meant."""
    product = make_product(category="Lamps")
    PendingProduct.objects.all().delete()
    for given in (Category.objects.all(), [product, product.category]):
        with pytest.raises(TypeError, match=r"host\.Category; pass products \(host\.Product\)"):
            draining.enqueue(given)
    assert not PendingProduct.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_work(make_product, settings):
    settings.SIMILARITY = similarity_settings(WORKERS={"BATCH_SIZE": 4})
    lifecycle.ensure_live_version()
    for _ in range(40):
        make_product()
    taken = []

    def work():
        try:
            taken.append(draining.drain())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 40, "each row was taken once"
    assert ProductVectors.objects.count() == 40
    assert not PendingProduct.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_product_being_deleted_is_passed_over(make_product):
    """Otherwise the host's delete and the worker could wait for each other."""
    lifecycle.ensure_live_version()
    product, other = make_product(), make_product()
    claims = PendingProduct.objects.claim(10)
    host = connection.copy()
    try:
        host.set_autocommit(False)
        with host.cursor() as cursor:
            cursor.execute("DELETE FROM host_product WHERE id = %s", [product.pk])
        report = pipeline.embed([], claims=claims)
        assert (report.encoded, report.lost) == (1, 1)
        host.commit()
    finally:
        host.close()
    assert ProductVectors.objects.get().product_id == other.pk
    draining.drain()
    assert not PendingProduct.objects.exists()


def test_products_the_host_has_locked_are_waited_for(make_product, monkeypatch):
    """They are due again at once; without a wait a worker would encode them as fast as it can."""
    lifecycle.ensure_live_version()
    product = make_product()
    waits = []
    monkeypatch.setattr(upsert, "lock_products", lambda keys: set())
    sleep = time.sleep

    def recorded(seconds):
        """Threads that other tests left behind sleep as they are used to."""
        own = threading.current_thread() is threading.main_thread()
        waits.append(seconds) if own else sleep(seconds)

    monkeypatch.setattr(draining.time, "sleep", recorded)
    draining.drain(budget_s=0.2)
    row = PendingProduct.objects.get(product_key=str(product.pk))
    assert (row.attempts, row.lease_until) == (0, None)
    assert set(waits) == {draining.LOST_WAIT_S}


def test_64_products_of_a_killed_worker_take_seconds_one_by_one(make_product):
    lifecycle.ensure_live_version()
    for number in range(64):
        make_product(name=f"Scarf {number}")
    PendingProduct.objects.claim(64)
    PendingProduct.objects.update(lease_owner=1)  # no living session has this number
    HashEncoder.calls = 0
    began = time.monotonic()
    draining.drain()
    assert time.monotonic() - began < 20
    assert HashEncoder.calls == 2 * 64, "text and attributes, each product alone"
    assert not PendingProduct.objects.exists()


def test_what_killed_its_worker_keeps_nobody_waiting(make_product):
    """It is tried after the products that were beside it, which are innocent."""
    lifecycle.ensure_live_version()
    culprit, beside, fresh = make_product(), make_product(), make_product()
    PendingProduct.objects.filter(product_key=culprit.pk).update(kills=2)
    PendingProduct.objects.filter(product_key=beside.pk).update(kills=1)
    HashEncoder.encoded = []
    draining.drain()
    order = list(dict.fromkeys(HashEncoder.encoded))
    assert order == [str(product.pk) for product in (beside, culprit, fresh)]


def test_networks_are_loaded_before_a_suspect_is_held(make_product, monkeypatch):
    """A process that has no memory for its network dies of that; no product may be blamed."""
    lifecycle.ensure_live_version()
    make_product()
    PendingProduct.objects.update(kills=1)
    held = []
    monkeypatch.setattr(
        draining.encoding, "load_networks", lambda: held.append(draining.counts().leased)
    )
    draining.drain()
    assert held[0] == 0


def test_workers_log_and_count_by_product_and_stage(make_product, monkeypatch, caplog):
    counted, observed = [], []
    monkeypatch.setattr(
        pipeline.metrics, "count", lambda name, amount=1, **labels: counted.append((name, labels))
    )
    monkeypatch.setattr(
        pipeline.metrics, "_measure", lambda name, value, labels: observed.append((name, labels))
    )
    lifecycle.ensure_live_version()
    bad, good = make_product(name="poison"), make_product()
    observed.clear()
    caplog.set_level("INFO", "similarity")
    draining.drain()
    keys = {key for record in caplog.records for key in getattr(record, "product_keys", ())}
    assert keys == {str(bad.pk), str(good.pk)}
    assert ("embed_errors_total", {"kind": "encode"}) in counted
    stages = [labels["stage"] for name, labels in observed if name == "batch_seconds"]
    assert stages == ["read", "encode", "write"]
    assert ("embed_delay_seconds", {}) in observed
