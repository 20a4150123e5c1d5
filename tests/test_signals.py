"""From the host's saves to outbox rows."""

# ruff: noqa: F811 - fixtures that are imported

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, connections, models, transaction
from django.test.utils import CaptureQueriesContext

from similarity import signals
from similarity.catalog.mapping import FieldMappingAdapter
from similarity.connections import wakeup
from similarity.models import PendingProduct, ProductVectors
from similarity.outbox import draining
from similarity.versions import lifecycle
from tests.fixtures_indexing import dead_broker, fake_encoders, wakeups  # noqa: F401
from tests.host.models import Brand, Category, Product, ProductImage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_encoders")]


def pending():
    return {int(key) for key in PendingProduct.objects.values_list("product_key", flat=True)}


@pytest.fixture
def product(make_product):
    product = make_product()
    PendingProduct.objects.all().delete()
    connection.run_on_commit.clear()
    return product


def test_a_saved_product_is_pending(product):
    product.save()
    assert pending() == {product.pk}


def test_fixtures_are_not_followed(product):
    product.save_base(raw=True)
    assert not pending()


def test_a_photo_saved_or_deleted_marks_its_product(product):
    photo = ProductImage.objects.create(product=product, image="products/a.png")
    assert pending() == {product.pk}
    PendingProduct.objects.all().delete()
    photo.delete()
    assert pending() == {product.pk}


def test_a_photo_given_to_another_product_marks_both(product, make_product):
    photo = ProductImage.objects.create(product=product, image="products/a.png")
    other = make_product()
    PendingProduct.objects.all().delete()
    photo.product = other
    photo.save()
    assert pending() == {product.pk, other.pk}
    PendingProduct.objects.all().delete()
    photo.save()
    assert pending() == {other.pk}, "what it left before is forgotten"


def test_a_renamed_brand_marks_its_products_only(product, make_product):
    other = make_product(brand="Someone else")
    PendingProduct.objects.all().delete()
    product.brand.name = "Northfield & Sons"
    product.brand.save()
    assert pending() == {product.pk}
    assert other.pk not in pending()


def test_a_deleted_brand_marks_the_products_that_had_it(product):
    brand = Brand.objects.get(pk=product.brand_id)
    brand.delete()
    assert pending() == {product.pk}


def test_a_moved_category_marks_the_products_below(make_product):
    root = Category.objects.create(name="Home", slug="home")
    leaf = Category.objects.create(name="Lamps", slug="lamps", parent=root)
    product = make_product(category=leaf)
    PendingProduct.objects.all().delete()
    root.name = "House"
    root.save()
    assert pending() == {product.pk}


def test_a_deleted_product_leaves_neither_row_nor_vectors(product):
    lifecycle.ensure_live_version()
    product.save()
    draining.drain()
    product.save()
    assert ProductVectors.objects.exists()
    product.delete()
    assert not pending()
    assert not ProductVectors.objects.exists()


def test_products_deleted_by_raw_sql_take_their_vectors_along(product):
    lifecycle.ensure_live_version()
    draining.enqueue([product])
    draining.drain()
    draining.enqueue([product])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM host_product WHERE id = %s", [product.pk])
    assert not ProductVectors.objects.exists()
    assert draining.drain() == 1
    assert not pending(), "a product that is gone is done"


def test_a_transaction_rolled_back_leaves_nothing(product, django_capture_on_commit_callbacks):
    def save_and_fail():
        with transaction.atomic():
            product.save()
            Brand.objects.create(name=product.brand.name, slug="other")

    with django_capture_on_commit_callbacks() as callbacks, pytest.raises(IntegrityError):
        save_and_fail()
    assert not pending()
    assert callbacks == []


def test_many_saves_of_a_transaction_wake_one_worker(
    make_product,
    wakeups,
    django_capture_on_commit_callbacks,
):
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(5):
            make_product()
    assert wakeups == ["similarity.drain_outbox"]


def test_a_wakeup_lost_with_its_savepoint_is_asked_for_again(
    product,
    wakeups,
    django_capture_on_commit_callbacks,
):
    with django_capture_on_commit_callbacks(execute=True):
        savepoint = connection.savepoint()
        product.save()
        connection.savepoint_rollback(savepoint)
        product.save()
    assert wakeups == ["similarity.drain_outbox"]


@pytest.mark.django_db(transaction=True)
def test_a_dead_broker_costs_a_save_little_and_breaks_nothing(make_product, dead_broker, caplog):
    began = time.monotonic()
    products = [make_product() for _ in range(20)]
    assert time.monotonic() - began < 10, "Celery by itself would try again after each"
    assert not wakeup.flush(20)
    assert pending() == {product.pk for product in products}
    warnings = [r for r in caplog.records if r.name == "similarity.connections.wakeup"]
    assert len(warnings) == 1, "asked once, then paused"
    assert dead_broker.rsplit(":", 1)[1] in warnings[0].getMessage()


def statements(save):
    """Statements on the outbox that ``save`` runs: True for each that waits for the disk."""
    with CaptureQueriesContext(connection) as queries:
        save()
    written = [
        query["sql"] for query in queries if "INSERT INTO similarity_pending" in query["sql"]
    ]
    return ["synchronous_commit" not in sql for sql in written]


@pytest.mark.django_db(transaction=True)
def test_a_save_outside_a_transaction_waits_for_the_disk_once(make_product):
    """Its own commit takes the mark before it along; a second wait would double its time."""
    product = make_product()
    assert statements(product.save) == [False, False]
    assert statements(lambda: make_product()) == [True], "a new product has no key to mark before"
    with transaction.atomic():
        assert statements(product.save) == [True]
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == ("on",), "the host's own commit waits as it did"


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_right_after_its_save_loses_nothing(make_product, monkeypatch):
    product = make_product()
    PendingProduct.objects.all().delete()
    product.name = "Saved, and nobody was told"
    monkeypatch.setattr(models.signals.post_save, "send", lambda **kwargs: None)
    product.save()
    assert pending() == {product.pk}


@pytest.mark.django_db(transaction=True)
def test_a_save_that_failed_leaves_the_next_transaction_as_it_is(make_product):
    product = make_product()
    product.price = "no price"
    with pytest.raises(ValidationError):
        product.save()
    product.price = 5
    with transaction.atomic():
        assert statements(product.save) == [True]


def test_an_outbox_that_fails_does_not_reach_the_save(product, monkeypatch, caplog):
    def enqueue(keys, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM no_such_table")

    monkeypatch.setattr(PendingProduct.objects, "enqueue", enqueue)
    with transaction.atomic():
        product.name = "Saved all the same"
        product.save()
    product.refresh_from_db()
    assert product.name == "Saved all the same"
    [record] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert f"host.Product {product.pk}" in record.getMessage()


@pytest.mark.django_db(transaction=True)
def test_photos_changed_in_opposite_order_lose_no_update(make_product):
    """The host locks different photos; only the outbox makes the two wait for each other."""
    first, second = make_product(), make_product()
    photos = [
        [ProductImage.objects.create(product=of, image="a.png") for of in order]
        for order in ((first, second), (second, first))
    ]
    PendingProduct.objects.all().delete()
    meet = threading.Barrier(2)

    def save_both(mine):
        try:
            with transaction.atomic():
                mine[0].save()
                meet.wait(timeout=30)
                mine[1].save()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(save_both, photos))
    assert [row.generation for row in PendingProduct.objects.all()] == [2, 2]


def test_bulk_changes_are_told_by_the_host(make_product):
    products = [make_product() for _ in range(3)]
    PendingProduct.objects.all().delete()
    Product.objects.update(name="All the same")
    assert not pending(), "Django sends no signal for it"
    assert draining.enqueue(Product.objects.all()) == 3
    assert draining.enqueue([products[0], products[1].pk]) == 2
    assert pending() == {product.pk for product in products}


def test_broken_settings_are_logged_and_do_not_stop_the_start(settings, caplog):
    settings.SIMILARITY = {"CATALOG": {"no_such_key": "name"}}
    signals.connect()
    assert "no_such_key" in caplog.text


def test_proxies_and_every_read_model_have_receivers():
    senders = {key[0] for key, *_ in models.signals.post_save.receivers}
    assert f"similarity.row_saved.{Product._meta.label}" in senders
    for model in FieldMappingAdapter(images="images__image").related_models():
        assert f"similarity.row_saved.{model._meta.label}" in senders


def test_connecting_runs_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        signals.connect()


def test_nothing_is_followed_where_a_host_says_so(
    make_product, settings, django_assert_num_queries
):
    product = make_product()
    PendingProduct.objects.all().delete()
    settings.SIMILARITY = {**settings.SIMILARITY, "CAPTURE": None}
    with django_assert_num_queries(1):
        product.save()
    product.category.save()
    product.delete()
    assert not PendingProduct.objects.exists()
