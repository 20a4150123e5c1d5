"""From the host's orders to outbox rows."""

# ruff: noqa: F811 - fixtures that are imported

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, models, transaction
from django.utils import timezone

from similarity.orders import signals
from similarity.orders.counting import updating
from similarity.orders.models import PendingOrder
from tests.fixtures_indexing import dead_broker, wakeups  # noqa: F401
from tests.host.models import Category, Customer, Order, OrderLine, Product

pytestmark = pytest.mark.django_db


def pending():
    return {int(key) for key in PendingOrder.objects.values_list("order_key", flat=True)}


@pytest.fixture
def forget():
    def forget():
        PendingOrder.objects.all().delete()
        connection.run_on_commit.clear()

    return forget


@pytest.fixture
def order(make_product, forget):
    customer = Customer.objects.create(name="Ada Abel", email="ada@example.com")
    order = Order.objects.create(number="A-1", customer=customer, placed_at=timezone.now())
    OrderLine.objects.create(order=order, product=make_product(), unit_price=1)
    forget()
    return order


def test_a_placed_order_is_pending_once(make_product):
    """Its own save and each of its lines tell the same within one transaction."""
    with transaction.atomic():
        order = Order.objects.create(number="A-1", placed_at=timezone.now())
        for _ in range(3):
            OrderLine.objects.create(order=order, product=make_product(), unit_price=1)
    assert [row.order_key for row in PendingOrder.objects.all()] == [str(order.pk)]


@pytest.mark.django_db(transaction=True)
def test_each_transaction_that_changes_an_order_adds_a_row(make_product):
    """A worker deletes only the rows it read, so that what comes later is counted later."""
    order = Order.objects.create(number="A-1", placed_at=timezone.now())
    order.status = "shipped"
    order.save()
    assert PendingOrder.objects.count() == 2


def test_fixtures_are_not_followed(order):
    order.save_base(raw=True)
    order.lines.get().save_base(raw=True)
    assert not pending()


def test_a_cancelled_order_is_pending(order):
    order.status = "cancelled"
    order.save()
    assert pending() == {order.pk}


def test_a_line_saved_or_deleted_marks_its_order(order, forget):
    line = order.lines.get()
    line.quantity = 3
    line.save()
    assert pending() == {order.pk}
    forget()
    line.delete()
    assert pending() == {order.pk}


def test_a_line_given_to_another_order_marks_both(order, forget):
    other = Order.objects.create(number="A-2", placed_at=timezone.now())
    forget()
    line = order.lines.get()
    line.order = other
    line.save()
    assert pending() == {order.pk, other.pk}


def test_a_deleted_order_is_pending(order):
    key = order.pk
    order.delete()
    assert pending() == {key}


def test_orders_of_a_deleted_customer_are_pending(order):
    """They become a guest's: what was counted of the customer must go."""
    order.customer.delete()
    order.refresh_from_db()
    assert order.customer is None
    assert pending() == {order.pk}


def test_a_customer_who_moves_house_changes_no_order(order):
    order.customer.name = "Ada Birk"
    order.customer.save()
    assert not pending()


def test_a_sold_product_changes_no_order(order):
    product = order.lines.get().product
    product.stock -= 1
    product.save()
    assert not pending()


def test_a_transaction_rolled_back_leaves_nothing(order, django_capture_on_commit_callbacks):
    def save_and_fail():
        with transaction.atomic():
            order.save()
            raise ZeroDivisionError

    with django_capture_on_commit_callbacks() as callbacks, pytest.raises(ZeroDivisionError):
        save_and_fail()
    assert not pending()
    assert callbacks == []


def test_an_order_saved_again_after_its_savepoint_is_pending(order):
    savepoint = connection.savepoint()
    order.save()
    connection.savepoint_rollback(savepoint)
    order.save()
    assert pending() == {order.pk}


def test_one_worker_is_woken_for_a_transaction(
    order, make_product, wakeups, django_capture_on_commit_callbacks
):
    product = make_product()
    connection.run_on_commit.clear()
    with django_capture_on_commit_callbacks(execute=True):
        order.save()
        OrderLine.objects.create(order=order, product=product, unit_price=1)
    assert wakeups == ["similarity.count_orders"]


@pytest.mark.django_db(transaction=True)
def test_a_dead_broker_breaks_no_checkout(dead_broker, caplog):
    order = Order.objects.create(number="A-1", placed_at=timezone.now())
    assert pending() == {order.pk}


def test_an_outbox_that_fails_does_not_reach_the_save(order, monkeypatch, caplog):
    def enqueue(keys):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM no_such_table")

    monkeypatch.setattr(PendingOrder.objects, "enqueue", enqueue)
    with transaction.atomic():
        order.name = "Saved all the same"
        order.save()
    order.refresh_from_db()
    assert order.name == "Saved all the same"
    [record] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert f"host.Order {order.pk}" in record.getMessage()
    assert "similarity count-orders --full" in record.getMessage()


@pytest.mark.django_db(transaction=True)
def test_checkouts_that_change_the_same_orders_never_wait_for_each_other():
    """In whichever order: with one row an order, each would wait for the other's."""
    orders = [
        Order.objects.create(number=f"A-{number}", placed_at=timezone.now()) for number in range(2)
    ]
    PendingOrder.objects.all().delete()
    both = threading.Barrier(2, timeout=60)

    def mark(keys):
        try:
            with transaction.atomic():
                updating.enqueue_orders(keys[:1], wake=False)
                both.wait()
                updating.enqueue_orders(keys[1:], wake=False)
        finally:
            connections.close_all()

    keys = [order.pk for order in orders]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(mark, [keys, keys[::-1]]))
    assert PendingOrder.objects.count() == 4


def test_bulk_changes_are_told_by_the_host(order):
    Order.objects.update(status="cancelled")
    assert not pending(), "Django sends no signal for it"
    assert updating.enqueue_orders(Order.objects.all()) == 1
    assert pending() == {order.pk}


def test_many_to_many_changes_from_both_sides(order, make_product, monkeypatch, forget):
    """Through a relation that the shop lacks: products as if an order had them itself."""
    product = order.lines.get().product

    def send(instance, action, model, pk_set):
        signals.products_changed(
            sender=OrderLine, instance=instance, action=action, model=model,
            pk_set=pk_set, using="default",
        )  # fmt: skip
        found = pending()
        forget()
        return found

    assert send(order, "post_add", Product, {product.pk}) == {order.pk}
    assert send(order, "post_clear", Product, None) == {order.pk}
    assert send(order, "pre_add", Product, {product.pk}) == set()
    assert send(product, "post_remove", Order, {order.pk}) == {order.pk}
    assert send(product, "pre_clear", Order, None) == {order.pk}
    assert send(product, "post_clear", Order, None) == set()


def test_broken_settings_are_logged_and_do_not_stop_the_start(settings, caplog):
    settings.SIMILARITY = {"ORDERS": {"SOURCE": {"no_such_key": "name"}}}
    signals.connect()
    assert "no_such_key" in caplog.text


def test_models_orders_are_read_from_have_receivers_and_others_have_none():
    senders = {str(key[0]) for key, *_ in models.signals.post_save.receivers}
    assert "similarity.order_saved.host.Order" in senders
    assert "similarity.part_saved.host.OrderLine" in senders
    assert not any(f"similarity.part_saved.{m._meta.label}" in senders for m in (Product, Category))


def test_connecting_runs_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        signals.connect()
