"""Incremental counts are the full count, to the last digit, whatever happens to orders."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, connections
from django.db.models.functions import Now
from django.utils import timezone

from similarity.orders.adapter import get_order_adapter
from similarity.orders.counting import applying, full, ledger, ranking, runs, updating
from similarity.orders.counting.full import count_all
from similarity.orders.counting.updating import count_pending
from similarity.orders.mapping import MappedOrders
from similarity.orders.models import PairCounts, PendingOrder, ProductPartners
from tests.configure import with_settings
from tests.copurchase.random_orders import counted
from tests.fixtures_indexing import wakeups  # noqa: F401
from tests.host.models import Order, OrderLine

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("wakeups")]


def agree_with_a_full_count():
    assert not PendingOrder.objects.exists()
    incremental = counted()
    count_all()
    fresh = counted()
    for part in incremental:
        assert incremental[part] == fresh[part], part


@pytest.mark.parametrize("seed", range(4))
def test_incremental_counts_are_the_full_count(random_shop, seed):
    shop = random_shop(seed)
    count_all()
    for _ in range(8):
        for _ in range(shop.chance.randint(1, 12)):
            shop.act()
        count_pending()
    assert counted()["pairs"], "something was bought together"
    agree_with_a_full_count()


STEPS = [
    (ledger, "of_shoppers"),
    (ledger, "replace"),
    (applying, "apply"),
    (ranking, "withdraw"),
]


class Killed(BaseException):
    """No handler of the plugin may swallow it, as none can a SIGKILL."""


@pytest.mark.parametrize("seed", range(2))
def test_a_crash_between_any_two_steps_leaves_nothing_half_done(random_shop, seed, monkeypatch):
    shop = random_shop(seed)
    count_all()
    for module, name in STEPS * 2:
        for _ in range(shop.chance.randint(1, 6)):
            shop.act()
        before = counted()
        done = getattr(module, name)

        def crash(*args, done=done):
            done(*args)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(module, name, crash)
            try:
                count_pending()
            except Killed:
                assert counted() == before
                assert PendingOrder.objects.exists()
        count_pending()
    agree_with_a_full_count()


@pytest.mark.django_db(transaction=True)
def test_two_workers_and_a_shop_at_once(random_shop):
    """Orders change while both count; a full count comes in between."""
    shop = random_shop(7)
    count_all()
    closed = threading.Event()

    def work():
        try:
            done = 0
            while not closed.is_set() or PendingOrder.objects.exists():
                done += count_pending(budget_s=0.5)
                time.sleep(0.005)
            return done
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(work) for _ in range(2)]
        try:
            for step in range(100):
                shop.act()
                if step == 50:
                    count_all()
        finally:
            closed.set()
        assert sum(worker.result(timeout=120) for worker in workers) >= 100
    agree_with_a_full_count()


def test_the_first_count_of_all_counts_every_order(random_shop):
    """A shop installs the plugin with years of orders, none of which sent a signal."""
    shop = random_shop(1)
    for _ in range(10):
        shop.place()
    PendingOrder.objects.all().delete()
    count_pending()
    assert len(counted()["ledger"]) > 3


def test_nothing_is_counted_without_orders_to_read(settings):
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": None})
    assert count_pending() == 0
    assert runs.last_run() is None


def test_the_rule_is_the_one_of_the_last_full_count(random_shop, settings):
    """Half of the counts by one half-life and half by another would be no count at all."""
    shop = random_shop(2)
    for _ in range(10):
        shop.place()
    count_all()
    settings.SIMILARITY = with_settings(ORDERS={"HALF_LIFE_DAYS": 5})
    shop.place()
    count_pending()
    settings.SIMILARITY = with_settings(ORDERS={"HALF_LIFE_DAYS": 30})
    agree_with_a_full_count()


def test_an_order_that_cannot_be_read_is_put_back_and_the_others_are_counted(
    random_shop, monkeypatch
):
    shop = random_shop(3)
    count_all()
    for _ in range(4):
        shop.place(at=timezone.now())
    bad = PendingOrder.objects.order_by("pk")[1].order_key
    spoil(monkeypatch, bad)
    count_pending()
    [row] = PendingOrder.objects.all()
    assert (row.order_key, row.attempts, row.dead) == (bad, 1, False)
    assert row.last_error == "ValueError: a line without a price"
    assert not PendingOrder.objects.due().exists(), "it backs off"
    assert len(counted()["ledger"]) == 3
    monkeypatch.undo()
    PendingOrder.objects.update(available_at=row.created_at)
    count_pending()
    assert not PendingOrder.objects.exists()


def test_an_order_is_given_up_and_can_be_revived(random_shop, monkeypatch, settings):
    monkeypatch.setattr("similarity.models.retries.MAX_ATTEMPTS", 1)
    shop = random_shop(3)
    count_all()
    shop.place()
    spoil(monkeypatch, PendingOrder.objects.get().order_key)
    count_pending()
    assert updating.waiting()[:3] == (0, 0, 1)
    monkeypatch.undo()
    PendingOrder.objects.revive()
    count_pending()
    assert not PendingOrder.objects.exists()


def spoil(monkeypatch, bad):
    read = MappedOrders.baskets_of

    def baskets_of(self, keys):
        keys = list(keys)
        if bad in keys:
            raise ValueError("a line without a price")
        return read(self, keys)

    monkeypatch.setattr(MappedOrders, "baskets_of", baskets_of)


def test_a_database_that_fails_costs_no_attempt(random_shop, monkeypatch):
    shop = random_shop(3)
    count_all()
    shop.place()

    def lost(*args):
        raise OperationalError("the connection was closed")

    monkeypatch.setattr(ledger, "of_orders", lost)
    with pytest.raises(OperationalError):
        count_pending()
    assert PendingOrder.objects.get().attempts == 0


def test_counts_that_were_tampered_with_are_made_anew(random_shop, caplog):
    shop = random_shop(4)
    for _ in range(10):
        shop.place()
    count_all()
    PairCounts.objects.all().delete()
    Order.objects.update(status="cancelled")
    updating.enqueue_orders(Order.objects.all(), wake=False)
    count_pending()
    assert "Counting every order again" in caplog.text
    count_pending()
    agree_with_a_full_count()


@pytest.mark.django_db(transaction=True)
def test_a_worker_does_not_wait_long_for_another(random_shop, monkeypatch):
    random_shop(1).place()
    count_all()
    monkeypatch.setattr(updating, "WAIT_S", 0.1)

    def count():
        try:
            return count_pending()
        finally:
            connections.close_all()

    random_shop(2).place()
    with ThreadPoolExecutor(1) as pool:
        with runs.counting(1):
            assert pool.submit(count).result(timeout=60) == 0
        assert pool.submit(count).result(timeout=60) > 0


@pytest.mark.django_db(transaction=True)
def test_a_checkout_never_waits_for_a_worker(random_shop, monkeypatch):
    """A worker in the middle of its transaction holds no row that a save needs."""
    shop = random_shop(5)
    shop.place()
    count_all()
    order = Order.objects.get()
    withdraw = ranking.withdraw

    def withdraw_and_save(*args):
        withdraw(*args)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(save).result(timeout=30)

    def save():
        try:
            order.status = "shipped"
            order.save()
        finally:
            connections.close_all()

    order.lines.first().delete()
    monkeypatch.setattr(ranking, "withdraw", withdraw_and_save)
    assert count_pending(budget_s=0) == 0
    assert updating._count_some(get_order_adapter()) >= 1
    assert PendingOrder.objects.filter(order_key=order.pk).exists(), "what came meanwhile waits"


def test_a_till_with_many_orders_is_counted_by_what_changed(random_shop):
    """Only items of the changed orders are counted again, which must change nothing."""
    shop = random_shop(6)
    till = shop.customers[0]
    shop.customers = [till]
    for _ in range(60):
        shop.place()
    count_all()
    for _ in range(10):
        shop.act()
        count_pending()
    agree_with_a_full_count()


def test_the_lag_is_that_of_the_oldest_due_order(random_shop):
    assert updating.waiting().lag_s == 0
    random_shop(1).place()
    PendingOrder.objects.update(available_at=Now() - timedelta(seconds=90))
    assert updating.waiting().lag_s == pytest.approx(90, abs=20)


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_order_costs_few_statements(random_shop, make_product):
    """The host's own UPDATE and the row of the outbox included, and a pair that is withdrawn."""
    shop = random_shop(1)
    pair = [make_product(), make_product()]
    orders = [
        Order.objects.create(number=f"S-{n}", customer=customer, placed_at=timezone.now())
        for n, customer in enumerate(shop.customers[:3])
    ]
    for order in orders:
        for product in pair:
            OrderLine.objects.create(order=order, product=product, unit_price=1)
    count_all()
    count_pending()
    statements = []

    def cancel(order):
        def note(execute, sql, *arguments):
            statements.append(sql)
            return execute(sql, *arguments)

        statements.clear()
        order.status = "cancelled"
        with connection.execute_wrapper(note):
            order.save()
            assert count_pending() == 1
        return len(statements)

    assert cancel(orders[0]) <= 15, "\n".join(map(str, statements))
    assert ProductPartners.objects.count() == 2, "two shoppers are as many as must be left"
    assert cancel(orders[1]) <= 16, "\n".join(map(str, statements))
    assert not ProductPartners.objects.exists()
    agree_with_a_full_count()


def test_an_unknown_kind_of_key_is_refused(random_shop):
    with pytest.raises(ValidationError):
        updating.enqueue_orders(["no number"])


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_their_first_start_count_every_order_once(random_shop, monkeypatch):
    shop = random_shop(1)
    shop.place(at=timezone.now())
    full_counts = []
    read = full.read_orders
    both = threading.Barrier(2, timeout=60)

    def read_orders(*args):
        full_counts.append(threading.get_ident())
        return read(*args)

    def count():
        try:
            both.wait()
            count_pending()
        finally:
            connections.close_all()

    monkeypatch.setattr(full, "read_orders", read_orders)
    with ThreadPoolExecutor(2) as pool:
        for worker in [pool.submit(count) for _ in range(2)]:
            worker.result(timeout=120)
    assert len(full_counts) == 1
    assert runs.last_run().baskets == 1
