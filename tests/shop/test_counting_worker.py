"""A real Celery worker process counts what a real checkout sells."""

import time

import pytest
from django.db import connection, transaction

from shop import checkout
from shop.cart import CartLine
from similarity.connections import wakeup
from similarity.orders.counting import runs
from similarity.orders.counting.full import count_all
from similarity.orders.models import CountedBasket, PendingOrder
from tests.fixtures_indexing import fake_encoders  # noqa: F401
from tests.worker_process import kill, wait_for, worker

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sell(make_product):
    products = [make_product(stock=50), make_product(stock=50)]

    def sell(number):
        lines = [CartLine(product, 1, product.price) for product in products]
        return checkout.place_order(
            number, lines, name="Ada Abel", email="ada@example.com", address="1 Mill Lane"
        )

    return sell


def counted(order):
    return CountedBasket.objects.filter(order_key=order.pk).exists()


def waits_for(table, cursor):
    cursor.execute(
        "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted", [table]
    )
    return cursor.fetchone()[0]


@pytest.mark.usefixtures("fake_encoders")
def test_an_order_is_counted_within_seconds_and_taken_back_as_fast(sell, tmp_path):
    with worker(tmp_path) as process:
        first = sell("A-1")  # the first of all makes the worker count every order
        wait_for(lambda: counted(first), 60, process)
        began = time.monotonic()
        order = sell("A-2")
        wait_for(lambda: counted(order), 60, process)
        assert time.monotonic() - began < 15
        order.status = "cancelled"
        order.save()
        wait_for(lambda: not counted(order), 30, process)
        wait_for(lambda: not PendingOrder.objects.exists(), 30, process)
    assert runs.last_run().baskets == 1


@pytest.mark.usefixtures("fake_encoders")
def test_a_worker_killed_while_it_counts_loses_nothing(sell, tmp_path):
    count_all()
    orders = [sell(f"A-{number}") for number in range(5)]
    with transaction.atomic(), connection.cursor() as cursor:
        # Before the worker starts: the messages of the orders wait for it already.
        cursor.execute("LOCK TABLE similarity_paircounts IN EXCLUSIVE MODE")
        with worker(tmp_path) as process:
            wakeup.wake(runs.TASK)
            # Ledger, products and items are written and not committed.
            wait_for(lambda: waits_for("similarity_paircounts", cursor), 60, process)
            kill(process)
    assert not CountedBasket.objects.exists()
    assert PendingOrder.objects.count() == 5
    with worker(tmp_path) as process:
        sell("A-9")
        wait_for(lambda: all(counted(order) for order in orders), 60, process)
        wait_for(lambda: not PendingOrder.objects.exists(), 30, process)
    assert runs.last_run().baskets == 6
