"""What nobody told the outbox."""

import threading
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection, connections
from django.utils import timezone

from similarity.catalog.mapping import FieldMappingAdapter
from similarity.connections.locks import LockTaken, advisory_lock
from similarity.models import PendingProduct, ProductVectors, ReconcileRound
from similarity.models.vectors import group_name
from similarity.outbox import comparison, draining, reconcile
from similarity.search.models import SearchDocument
from similarity.tasks import drain_outbox, reconcile_catalogue
from similarity.vectors import fusions
from similarity.versions import lifecycle
from tests.encoders_fake import HashEncoder
from tests.fixtures_indexing import wakeups  # noqa: F401
from tests.host.models import Product

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue(make_product):
    made = [make_product(name=f"Lamp {at}") for at in range(6)]
    lifecycle.ensure_live_version()
    draining.drain()
    assert not PendingProduct.objects.exists()
    HashEncoder.encoded = []
    return made


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(reconcile, "PAGE", 2)


def pending():
    return {int(key) for key in PendingProduct.objects.values_list("product_key", flat=True)}


def counts(report):
    return (report.checked, report.stale, report.missing, report.orphaned)


def test_nothing_is_wrong_after_embedding(catalogue):
    report = reconcile.reconcile()
    assert counts(report) == (6, 0, 0, 0)
    assert report.finished
    assert not pending()


def test_what_bulk_changes_left_is_found_and_workers_mend_it(catalogue, small_pages):
    first, second, third = catalogue[:3]
    Product.objects.filter(pk=first.pk).update(name="Chair")
    [made] = Product.objects.bulk_create(
        [Product(sku="N", name="New", slug="n", category=first.category, price=1)]
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE host_product SET sku = 'RAW' WHERE id = %s", [second.pk])
    ProductVectors.objects.filter(product=third).delete()
    report = reconcile.reconcile()
    assert counts(report) == (7, 2, 2, 0)
    assert report.enqueued == 4
    assert pending() == {first.pk, second.pk, third.pk, made.pk}
    assert HashEncoder.encoded == [], "no model runs"
    drain_outbox()
    assert counts(reconcile.reconcile()) == (7, 0, 0, 0)
    assert ProductVectors.objects.count() == 7


def test_a_sale_is_nothing_to_reconcile(catalogue):
    Product.objects.update(price=1, stock=0)
    assert reconcile.reconcile().stale == 0


def test_every_version_that_is_kept_up_to_date_counts(catalogue):
    ready = lifecycle.build_version()
    ProductVectors.objects.of_version(ready).filter(product=catalogue[0]).delete()
    ProductVectors.objects.of_version(ready).filter(product=catalogue[1]).update(fingerprint="old")
    assert counts(reconcile.reconcile()) == (6, 1, 1, 0)
    PendingProduct.objects.all().delete()
    lifecycle.retire(ready)
    assert counts(reconcile.reconcile()) == (6, 0, 0, 0)


def test_without_a_live_version_everything_is_missing(make_product):
    product = make_product()
    PendingProduct.objects.all().delete()
    assert reconcile.reconcile().missing == 1
    assert pending() == {product.pk}


def test_what_waits_already_is_left_alone_and_the_dead_stay_dead(catalogue):
    """A product that kills workers would be revived each night otherwise."""
    Product.objects.update(name="Changed by SQL")
    draining.enqueue([catalogue[0]])
    PendingProduct.objects.update(dead=True, last_error="kills workers")
    report = reconcile.reconcile()
    assert report.stale == 5
    row = PendingProduct.objects.get(product_key=catalogue[0].pk)
    assert (row.dead, row.generation) == (True, 1)


def test_a_product_that_cannot_be_read_gets_its_error_into_the_outbox(catalogue, monkeypatch):
    content = FieldMappingAdapter.content

    def read(self, keys):
        for one in content(self, keys):
            if one.key == str(catalogue[0].pk):
                raise ValueError("an attribute of this product is broken")
            yield one

    monkeypatch.setattr(FieldMappingAdapter, "content", read)
    assert reconcile.reconcile().stale == 1
    assert pending() == {catalogue[0].pk}


def test_a_product_with_nothing_to_encode_is_not_missing(catalogue, monkeypatch):
    blank = catalogue[0]
    monkeypatch.setattr("similarity.catalog.content.ProductContent.is_blank", True)
    ProductVectors.objects.filter(product=blank).delete()
    assert reconcile.reconcile().missing == 0


def test_what_the_adapter_no_longer_gives_is_deleted(catalogue, monkeypatch):
    content = FieldMappingAdapter.content
    hidden = str(catalogue[2].pk)
    monkeypatch.setattr(
        FieldMappingAdapter,
        "content",
        lambda self, keys: (one for one in content(self, keys) if one.key != hidden),
    )
    report = reconcile.reconcile()
    assert (report.orphaned, report.deleted) == (1, 1)
    assert not ProductVectors.objects.filter(product=catalogue[2]).exists()
    assert not SearchDocument.objects.filter(product=catalogue[2]).exists()
    assert ProductVectors.objects.count() == 5
    assert reconcile.reconcile().orphaned == 0


def test_vectors_of_products_that_are_gone_are_deleted(catalogue, small_pages):
    """As after a migration of the host that lost the foreign key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE similarity_productvectors "
            "DROP CONSTRAINT similarity_productvectors_product_fk"
        )
    live = fusions.every_version().live()
    some = ProductVectors.objects.first()
    gone = [catalogue[0].pk - 1, catalogue[3].pk, catalogue[-1].pk + 5]
    Product.objects.filter(pk=catalogue[3].pk).delete()
    PendingProduct.objects.all().delete()
    for key in (gone[0], gone[2]):
        ProductVectors.objects.create(
            product_id=key, version=live, fused=some.fused, group=group_name(str(key), "")
        )
    report = reconcile.reconcile()
    assert (report.orphaned, report.deleted) == (3, 3)
    assert not ProductVectors.objects.filter(product_id__in=gone).exists()
    assert ProductVectors.objects.count() == 5


def test_outbox_rows_of_products_that_are_gone_are_deleted(catalogue):
    draining.enqueue([catalogue[0].pk, 10**9])
    PendingProduct.objects.create(product_key="of another model", dead=True)
    PendingProduct.objects.create(
        product_key=str(10**9 + 1), lease_until=timezone.now() + timedelta(hours=1)
    )
    report = reconcile.reconcile()
    assert (report.orphaned, report.deleted) == (2, 2)
    left = set(PendingProduct.objects.values_list("product_key", flat=True))
    assert left == {str(catalogue[0].pk), str(10**9 + 1)}, "a worker is at the other"


def test_an_interrupted_round_goes_on_where_it_stopped(catalogue, small_pages, monkeypatch):
    Product.objects.update(name="Changed by SQL")
    compare, asked = comparison.compare, []

    def stop_at_the_second_page(adapter, keys, after, last):
        if len(asked) == 1:
            asked.append(None)
            raise KeyboardInterrupt
        asked.append(list(keys))
        return compare(adapter, keys, after, last)

    monkeypatch.setattr(comparison, "compare", stop_at_the_second_page)
    with pytest.raises(KeyboardInterrupt):
        reconcile.reconcile()
    assert ReconcileRound.objects.get().checked == 2
    report = reconcile.reconcile()
    assert counts(report) == (6, 6, 0, 0)
    keys = [product.pk for product in catalogue]
    assert asked == [keys[:2], None, keys[2:4], keys[4:], []]
    assert reconcile.reconcile().checked == 6, "a finished round starts anew"


def test_a_budget_ends_it_and_restart_begins_anew(catalogue, small_pages):
    assert reconcile.reconcile(budget_s=0).checked == 2
    assert reconcile.reconcile(budget_s=0).checked == 4
    assert reconcile.reconcile(budget_s=0, restart=True).checked == 2
    assert ReconcileRound.objects.count() == 1


def test_a_dry_run_changes_nothing_and_is_no_round(catalogue, small_pages):
    reconcile.reconcile(budget_s=0)
    before = ReconcileRound.objects.values().get()
    Product.objects.update(name="Changed by SQL")
    draining.enqueue([10**9])
    report = reconcile.reconcile(repair=False)
    assert counts(report) == (6, 6, 0, 1)
    assert (report.enqueued, report.deleted) == (0, 0)
    assert pending() == {10**9}
    assert ReconcileRound.objects.values().get() == before


def test_the_rate_bounds_products_a_second(catalogue, small_pages, monkeypatch):
    now, slept = [0.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    # Its own clock: threads of other tests sleep by the module's.
    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=sleep)
    monkeypatch.setattr(reconcile, "time", clock)
    reconcile.reconcile(rate=4)
    assert sum(slept) == pytest.approx(6 / 4)


def test_it_waits_while_the_outbox_is_long(catalogue, small_pages, settings, monkeypatch):
    monkeypatch.setattr(reconcile, "BACKLOG", 1)
    Product.objects.update(name="Changed by SQL")
    longest = []

    def work(_seconds):
        longest.append(PendingProduct.objects.count())
        draining.drain()

    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda s: work(s) if s == 1.0 else None)
    monkeypatch.setattr(reconcile, "time", clock)
    assert reconcile.reconcile().enqueued == 6
    assert longest == [2, 2, 2]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_one(catalogue):
    alias = connection.alias
    held, done = threading.Event(), threading.Event()

    def hold():
        try:
            with advisory_lock(reconcile.LOCK, alias):
                held.set()
                done.wait(timeout=30)
        finally:
            connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(timeout=30)
    try:
        with pytest.raises(LockTaken):
            reconcile.reconcile()
        assert reconcile_catalogue() == 0, "beat comes again"
    finally:
        done.set()
        holder.join()
    assert reconcile_catalogue() == 6


def test_a_slice_gives_way_to_what_waits(catalogue, small_pages):
    assert reconcile_catalogue() == 6, "nothing is due"
    assert reconcile_catalogue() == 0, "a round a day"
    ReconcileRound.objects.update(finished_at=timezone.now() - timedelta(hours=25))
    Product.objects.filter(pk=catalogue[0].pk).update(name="Changed by SQL")
    assert reconcile_catalogue() == 2, "the first page made a product due"
    draining.drain()
    assert reconcile_catalogue() == 6


def test_reports_are_kept_and_told(catalogue, monkeypatch):
    assert reconcile.last() == {"finished": None, "running": None}
    monkeypatch.setattr(reconcile, "ROUNDS_KEPT", 2)
    for _ in range(4):
        reconcile.reconcile()
    assert ReconcileRound.objects.count() == 2
    told = reconcile.last()
    assert told["running"] is None
    assert told["finished"]["checked"] == 6


def test_a_page_costs_a_bounded_number_of_queries(catalogue, django_assert_max_num_queries):
    with django_assert_max_num_queries(26):
        reconcile.reconcile()
