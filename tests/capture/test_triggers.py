"""Changes that no signal tells of, seen by the database."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from similarity.capture import mode, triggers
from similarity.models import PendingProduct, ProductVectors, SpilledChange
from similarity.outbox import draining
from tests.encoders_fake import similarity_settings
from tests.fixtures_indexing import fake_encoders, wakeups  # noqa: F401
from tests.host.models import Brand, Category, Product, ProductImage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("captured")]


@pytest.fixture
def captured(fake_encoders, settings, db):  # noqa: F811
    settings.SIMILARITY = similarity_settings(CAPTURE="triggers")
    triggers.install()
    yield
    triggers.uninstall()


def pending():
    """Keys that wait, and the outbox empty after."""
    keys = {int(key) for key in PendingProduct.objects.values_list("product_key", flat=True)}
    PendingProduct.objects.all().delete()
    return keys


@pytest.fixture
def products(make_product):
    made = [make_product() for _ in range(3)]
    assert pending() == {product.pk for product in made}
    connection.run_on_commit.clear()
    return made


def execute(sql, parameters=()):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def test_a_save_writes_one_generation_and_wakes_a_worker(
    products,
    wakeups,  # noqa: F811
    django_capture_on_commit_callbacks,
):
    with django_capture_on_commit_callbacks(execute=True):
        products[0].name = "Another"
        products[0].save()
    [row] = PendingProduct.objects.all()
    assert (row.product_key, row.generation) == (str(products[0].pk), 1)
    assert wakeups == ["similarity.drain_outbox"]


def test_signals_go_on_where_triggers_are_not_there(products, caplog, monkeypatch):
    """Settings that name triggers came before the migration that installs them."""
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    triggers.uninstall()
    products[0].save()
    assert pending() == {products[0].pk}
    assert caplog.text.count("they are not installed") == 1
    products[1].save()
    assert pending() == {products[1].pk}
    assert caplog.text.count("they are not installed") == 1, "asked again after a minute"
    triggers.install()
    products[2].save()
    assert pending() == set(), "nothing of it changed, as the trigger knows"
    execute("ALTER TABLE host_product DISABLE TRIGGER similarity_capture_update")
    monkeypatch.setattr(mode, "_asked", (0.0, True))
    products[2].save()
    assert pending() == {products[2].pk}


def test_bulk_create_and_bulk_update_are_seen(products):
    made = Product.objects.bulk_create(
        Product(sku=f"B{at}", name="Bulk", slug=f"b{at}", category=products[0].category, price=1)
        for at in range(3)
    )
    assert pending() == {product.pk for product in made}
    for product in made:
        product.name = "Changed"
    Product.objects.bulk_update(made[:2], ["name"])
    assert pending() == {product.pk for product in made[:2]}


def test_update_is_seen_where_it_changes_something(products):
    Product.objects.filter(pk=products[0].pk).update(name="New")
    assert pending() == {products[0].pk}
    Product.objects.update(name="New")
    assert pending() == {products[1].pk, products[2].pk}, "one had that name already"


@pytest.mark.parametrize("column", ["price", "stock", "is_active", "updated_at", "cost"])
def test_what_no_encoder_reads_is_passed_over(products, column):
    values = {
        "price": 1,
        "stock": 0,
        "is_active": False,
        "updated_at": "2020-01-01T00:00Z",
        "cost": 1,
    }
    Product.objects.update(**{column: values[column]})
    products[1].save()
    assert pending() == set()


def test_every_column_that_is_read_is_seen(products):
    brand = Brand.objects.create(name="Other", slug="other")
    category = Category.objects.create(name="Other", slug="other")
    changes = (
        *({"name": "N"}, {"description": "D"}, {"group": "G"}, {"sku": "S"}),
        *({"attributes": {"colour": "red"}}, {"brand": brand}, {"category": category}),
    )
    for change in changes:
        Product.objects.filter(pk=products[0].pk).update(**change)
        assert pending() == {products[0].pk}, change


def test_raw_sql_is_seen(products):
    execute("UPDATE host_product SET name = 'Raw' WHERE id = %s", [products[2].pk])
    assert pending() == {products[2].pk}


def test_copy_is_seen(products):
    with connection.cursor() as cursor:
        columns = "product_id, image, alt, position"
        with cursor.copy(f"COPY host_productimage ({columns}) FROM STDIN") as copy:
            for at in range(3):
                copy.write_row((products[1].pk, f"{at}.png", "", at))
    assert pending() == {products[1].pk}


def test_an_upsert_is_seen_on_both_sides(products):
    Product.objects.bulk_create(
        [
            Product(sku=sku, name="Upserted", slug=sku, category=products[0].category, price=1)
            for sku in (products[0].sku, "NEW")
        ],
        update_conflicts=True,
        unique_fields=["sku"],
        update_fields=["name"],
    )
    assert pending() == {products[0].pk, Product.objects.get(sku="NEW").pk}


def test_photos_moved_reordered_and_deleted_by_sql(products):
    first, second, _third = products
    photo = ProductImage.objects.create(product=first, image="a.png")
    assert pending() == {first.pk}
    execute("UPDATE host_productimage SET product_id = %s", [second.pk])
    assert pending() == {first.pk, second.pk}, "one lost it, the other was given it"
    execute("UPDATE host_productimage SET position = 7")
    assert pending() == {second.pk}, "the order of photos decides which are read"
    execute("UPDATE host_productimage SET alt = 'nobody reads it'")
    assert pending() == set()
    execute("DELETE FROM host_productimage WHERE id = %s", [photo.pk])
    assert pending() == {second.pk}


def test_a_renamed_brand_and_category_mark_their_products_only(products, make_product):
    other = make_product(brand="Someone else", category="Lamps")
    pending()
    execute("UPDATE host_brand SET name = 'Renamed' WHERE id = %s", [other.brand_id])
    assert pending() == {other.pk}
    execute("UPDATE host_category SET path = 'Home' WHERE id = %s", [other.category_id])
    assert pending() == {other.pk}
    execute("UPDATE host_brand SET slug = 'nobody-reads-it'  WHERE id = %s", [other.brand_id])
    assert pending() == set()


def test_a_deleted_brand_marks_the_products_it_had(products):
    products[0].brand.delete()
    assert pending() == {product.pk for product in products}


def test_deleted_products_wait_for_nothing(products):
    draining.enqueue(products)
    execute("DELETE FROM host_product WHERE id = %s", [products[0].pk])
    assert pending() == {products[1].pk, products[2].pk}
    draining.enqueue(products[1:])
    ProductImage.objects.create(product=products[1], image="a.png")
    products[1].delete()
    assert pending() == {products[2].pk}


def test_truncated_tables(products):
    ProductImage.objects.create(product=products[1], image="a.png")
    pending()
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("TRUNCATE host_productimage")
    assert pending() == {product.pk for product in products}
    draining.enqueue(products)
    execute("TRUNCATE host_product CASCADE")
    assert pending() == set()
    assert not ProductVectors.objects.exists()
    execute("TRUNCATE host_product, host_brand, similarity_pendingproduct CASCADE")
    assert pending() == set(), "as tests flush a database"


def test_a_transaction_rolled_back_leaves_nothing(products):
    class Regret(Exception):
        pass

    def change():
        with transaction.atomic():
            Product.objects.update(name="No")
            raise Regret

    with pytest.raises(Regret):
        change()
    assert pending() == set()


def test_captured_rows_are_embedded_and_vectors_follow_the_content(products):
    draining.enqueue(products)
    draining.drain()
    before = dict(ProductVectors.objects.values_list("product_id", "fingerprint"))
    execute("UPDATE host_product SET name = 'Raw' WHERE id = %s", [products[2].pk])
    assert draining.drain() == 1
    after = dict(ProductVectors.objects.values_list("product_id", "fingerprint"))
    assert {key for key in after if after[key] != before[key]} == {products[2].pk}


def test_a_trigger_that_fails_does_not_reach_the_host(products):
    """The outbox is gone: the host's statement stands, and the server's log says what was lost."""
    notices = []
    connection.connection.add_notice_handler(lambda told: notices.append(told.message_primary))
    execute("ALTER TABLE similarity_pendingproduct RENAME TO gone")
    Product.objects.filter(pk=products[0].pk).update(name="Saved all the same")
    execute("ALTER TABLE gone RENAME TO similarity_pendingproduct")
    products[0].refresh_from_db()
    assert products[0].name == "Saved all the same"
    assert any("a change of host_product was not captured" in told for told in notices)


def test_whoever_may_write_products_need_not_may_write_the_outbox(products):
    """An import that logs in with rights on the shop's table alone."""
    execute("CREATE ROLE importer; GRANT USAGE ON SCHEMA public TO importer")
    execute("GRANT SELECT, UPDATE ON host_product TO importer")
    execute("SET LOCAL ROLE importer; SET LOCAL search_path = ''")
    execute("UPDATE public.host_product SET name = 'Imported'")
    execute("RESET ROLE; SET LOCAL search_path TO DEFAULT")
    assert pending() == {product.pk for product in products}
    execute("DROP OWNED BY importer; DROP ROLE importer")


@pytest.mark.django_db(transaction=True)
def test_an_outbox_row_that_another_transaction_holds_neither_blocks_nor_loses(products):
    """The change is put aside, and reaches the outbox once the other transaction is over."""
    draining.enqueue([products[0]])
    held, done = threading.Event(), threading.Event()

    def hold():
        try:
            with transaction.atomic():
                PendingProduct.objects.update(force=True)
                held.set()
                done.wait(timeout=30)
        finally:
            connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(timeout=30)
    try:
        Product.objects.update(name="While the row is held")
        assert SpilledChange.objects.count() == 3
        assert SpilledChange.objects.adopt() == 2, "the third is still held"
    finally:
        done.set()
        holder.join()
    assert SpilledChange.objects.adopt() == 1
    assert not SpilledChange.objects.exists()
    rows = PendingProduct.objects.values_list("product_key", "generation")
    assert dict(rows) == {
        str(products[0].pk): 2,
        str(products[1].pk): 1,
        str(products[2].pk): 1,
    }


@pytest.mark.django_db(transaction=True)
def test_statements_in_opposite_order_end_in_no_deadlock(products):
    """The host locks different photos; only the outbox makes the two wait for each other."""
    first, second = products[:2]
    orders = ((first, second), (second, first))
    photos = [
        [ProductImage.objects.create(product=of, image="a.png").pk for of in order]
        for order in orders
    ]
    PendingProduct.objects.all().delete()
    meet = threading.Barrier(2)

    def change_both(mine):
        try:
            with transaction.atomic():
                execute("UPDATE host_productimage SET position = 1 WHERE id = %s", [mine[0]])
                meet.wait(timeout=30)
                execute("UPDATE host_productimage SET position = 1 WHERE id = %s", [mine[1]])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(change_both, photos))
    assert ProductImage.objects.filter(position=1).count() == 4
    SpilledChange.objects.adopt()
    assert not SpilledChange.objects.exists()
    assert [row.generation for row in PendingProduct.objects.all()] == [2, 2]
