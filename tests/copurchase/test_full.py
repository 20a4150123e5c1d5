"""The full count: what it reads, what it writes, and who waits for it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from similarity.exceptions import ConfigurationError, CountError
from similarity.models.vectors import group_name
from similarity.orders.counting import full, ledger, reading, runs, storage, updating
from similarity.orders.counting.engine import ONE
from similarity.orders.counting.full import count_all
from similarity.orders.mapping import MappedOrders
from similarity.orders.models import CountedItem, CountedProduct, CountRun, PendingOrder
from similarity.orders.partners import partners_of
from tests.configure import with_settings
from tests.copurchase.random_orders import counted
from tests.fixtures_indexing import wakeups  # noqa: F401
from tests.host.models import Customer, Order, OrderLine

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("wakeups", "small_limits")]


@pytest.fixture
def buy(db):
    """One order of a customer (by name, "" for a guest), some days ago."""
    orders = iter(range(1000))

    def buy(*products, by="", days_ago=0, status="placed", email=""):
        customer = None
        if by:
            customer, _ = Customer.objects.get_or_create(name=by, email=f"{by}@example.com")
        order = Order.objects.create(
            number=f"B{next(orders)}",
            customer=customer,
            email=email,
            placed_at=timezone.now() - timedelta(days=days_ago),
            status=status,
        )
        OrderLine.objects.bulk_create(
            OrderLine(order=order, product=product, unit_price=Decimal(1)) for product in products
        )
        return order

    return buy


def item(product):
    return group_name(str(product.pk), product.group)


def pair(first, second):
    return counted()["pairs"].get((item(first), item(second)))


def test_pairs_are_counted_by_customer_and_age(buy, make_product):
    mug, tea = make_product(), make_product()
    buy(mug, tea, by="ada")
    buy(mug, tea, by="ben", days_ago=30)
    buy(mug, tea, by="ada")
    count_all()
    full_weight, half = ONE, ONE // 2  # HALF_LIFE_DAYS is 30
    again = ONE // 2  # a customer's second order counts half
    assert pair(mug, tea) == pair(tea, mug) == (full_weight + half + again, 3, 2)


def test_orders_of_nobody_known_count_and_add_no_shopper(buy, make_product):
    mug, tea = make_product(), make_product()
    for _ in range(4):
        buy(mug, tea)
    count_all()
    assert pair(mug, tea) == (4 * ONE, 4, 0)
    assert not partners_of([item(mug)])
    for name in ("ada", "ben", "cem"):
        buy(mug, tea, by=name)
    count_all()
    assert pair(mug, tea) == (7 * ONE, 7, 3)
    assert partners_of([item(mug)])


def test_guests_are_told_apart_by_their_address_however_it_is_written(buy, make_product):
    mug, tea = make_product(), make_product()
    for address in ("a@example.com", " A@Example.com ", "ａ@example.com", "b@example.com", " "):
        buy(mug, tea, email=address)
    count_all()
    assert pair(mug, tea)[1:] == (5, 2)


def test_variants_are_one_item_and_no_pair_of_themselves(buy, make_product):
    red, blue, tea = make_product(group="MUG"), make_product(group="MUG"), make_product()
    buy(red, blue, tea, by="ada")
    buy(blue, tea, by="ben")
    count_all()
    assert pair(red, tea) == (2 * ONE, 2, 2)
    assert pair(red, red) is None
    row = CountedItem.objects.get(name="group:MUG")
    assert row.products == [str(blue.pk), str(red.pk)], "the one in most orders first"
    assert (row.orders, row.shoppers) == (2, 2)


@pytest.mark.parametrize("status", ["cancelled", "returned"])
def test_orders_that_do_not_count_leave_nothing(buy, make_product, status):
    buy(make_product(), make_product(), status=status)
    count_all()
    assert not CountedItem.objects.exists()
    assert not CountedProduct.objects.exists()
    assert CountRun.objects.get().baskets == 0


def test_orders_older_than_the_window_do_not_count(buy, make_product, settings):
    settings.SIMILARITY = with_settings(ORDERS={"WINDOW_DAYS": 10})
    buy(make_product(), days_ago=10)
    buy(make_product(), days_ago=11)
    assert count_all().baskets == 1


def test_an_order_of_too_many_items_makes_no_pairs_and_counts_for_its_items(buy, make_product):
    products = [make_product() for _ in range(5)]  # MAX_BASKET is 4
    buy(*products)
    count_all()
    assert counted()["pairs"] == {}
    assert CountedItem.objects.filter(orders=1).count() == 5


def test_a_second_full_count_replaces_the_first(buy, make_product):
    order = buy(make_product(), make_product())
    count_all()
    before = counted()
    count_all()
    assert counted() == before
    order.delete()
    run = count_all()
    assert (run.baskets, run.items, run.total_weight) == (0, 0, 0)
    assert counted()["items"] == counted()["ledger"] == {}


def test_many_orders_are_read_in_pieces(random_shop, monkeypatch):
    shop = random_shop(1)
    for _ in range(12):
        shop.place()
    count_all()
    whole = counted()
    monkeypatch.setattr(reading, "CHUNK", 5)
    count_all()
    assert counted() == whole


def test_the_ledger_knows_no_customer(buy, make_product, settings):
    """A number that nobody can make without the host's key, and another with another key."""
    buy(make_product(), by="ada")
    buy(make_product(), by="ada")
    order = buy(make_product())
    count_all()
    shoppers = [shopper for shopper, *_ in counted()["ledger"].values()]
    assert len(set(shoppers)) == 2
    customer = Customer.objects.get(name="ada")
    assert not {customer.pk, order.pk, hash("ada")} & set(shoppers)
    settings.SECRET_KEY = "another"
    count_all()
    assert not set(shoppers) & {shopper for shopper, *_ in counted()["ledger"].values()}


def test_progress_is_told(random_shop):
    shop = random_shop(1)
    for _ in range(5):
        shop.place(at=timezone.now())
    told = []
    count_all(lambda phase, done, total: told.append((phase, done, total)))
    assert ("orders", 5, 5) in told
    assert told[-1][1] == told[-1][2]


def test_without_orders_it_says_what_to_do(settings):
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": None})
    with pytest.raises(ConfigurationError, match="map the order model"):
        count_all()


def test_an_adapter_that_gives_an_order_twice_is_told(buy, make_product, monkeypatch):
    buy(make_product())
    read = MappedOrders.baskets
    monkeypatch.setattr(
        MappedOrders, "baskets", lambda self, since=None: iter([*read(self), *read(self)])
    )
    with pytest.raises(CountError, match=r"MappedOrders\.baskets\(\) yielded an order twice"):
        count_all()


def test_a_worker_is_woken_for_what_changed_meanwhile(buy, make_product, wakeups):  # noqa: F811
    buy(make_product())
    count_all()
    assert wakeups == ["similarity.count_orders"]


@pytest.mark.django_db(transaction=True)
def test_pages_see_the_former_counts_and_never_wait(buy, make_product, monkeypatch):
    mug, tea, pot = make_product(), make_product(), make_product()
    for name in ("ada", "ben", "cem"):
        buy(mug, tea, by=name)
    count_all()
    for name in ("ada", "ben", "cem"):
        buy(mug, pot, by=name)
    seen = []
    finish = full._finish

    def look():
        try:
            seen.extend(partner.item for partner in partners_of([item(mug)])[item(mug)])
        finally:
            connections.close_all()

    def finish_later(*args):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(look).result(timeout=30)
        return finish(*args)

    monkeypatch.setattr(full, "_finish", finish_later)
    count_all()
    assert seen == [item(tea)]
    assert {partner.item for partner in partners_of([item(mug)])[item(mug)]} == {
        item(tea),
        item(pot),
    }


@pytest.mark.django_db(transaction=True)
def test_orders_changed_while_all_are_counted_are_counted_once(buy, make_product, monkeypatch):
    mug, tea = make_product(), make_product()
    order = buy(mug, tea, by="ada")
    PendingOrder.objects.all().delete()
    roll_up = full.roll_up

    def change():
        try:
            order.status = "cancelled"
            order.save()
            buy(mug, tea, by="ben")
        finally:
            connections.close_all()

    def roll_up_later(orders):
        thread = threading.Thread(target=change)
        thread.start()
        thread.join(30)
        return roll_up(orders)

    with monkeypatch.context() as patch:
        patch.setattr(full, "roll_up", roll_up_later)
        count_all()
    assert pair(mug, tea) == (ONE, 1, 1), "the order as it was read"
    updating.count_pending()
    assert pair(mug, tea) == (ONE, 1, 1), "the other one"
    [key] = counted()["ledger"]
    assert key != str(order.pk)


@pytest.mark.django_db(transaction=True)
def test_a_backup_that_holds_the_tables_does_not_stop_it(buy, make_product):
    """pg_dump holds a lock on each table while it runs, which TRUNCATE would wait for."""
    buy(make_product())
    count_all()
    buy(make_product())
    held, done = threading.Event(), threading.Event()

    def dump():
        try:
            with transaction.atomic():
                ledger.of_orders(["1"], runs.alias())
                held.set()
                done.wait(60)
        finally:
            connections.close_all()

    thread = threading.Thread(target=dump)
    thread.start()
    try:
        assert held.wait(30)
        assert count_all().baskets == 2
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("weight", [1, 2**40])
def test_packed_pairs_come_back(weight):
    pairs = np.array(
        [(3, 7, 1, 1), (5, weight, 2, 1), (9, 2**20, 1, 1), (11, 4, 70_000, 66_000)], storage.PAIR
    )
    assert (storage.unpack_pairs(storage.pack_pairs(pairs)) == pairs).all()
    nothing = pairs[:0]
    assert len(storage.unpack_pairs(storage.pack_pairs(nothing))) == 0


def test_both_ways_of_writing_a_row_are_one_format(random_shop):
    """A full count writes by COPY, an incremental one by UPDATE: the bytes are the same."""
    shop = random_shop(1)
    for _ in range(12):
        shop.place(at=timezone.now())
    count_all()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pairs FROM similarity_paircounts")
        rows = [bytes(packed) for (packed,) in cursor]
    assert rows
    assert [storage.pack_pairs(storage.unpack_pairs(row)) for row in rows] == rows


def shown(product, settings, least=3):
    settings.SIMILARITY = with_settings(ORDERS={"MIN_SHOPPERS": least})
    count_all()
    return {one.item: one for one in partners_of([item(product)]).get(item(product), ())}


def test_a_pair_comes_with_one_shopper_more_than_it_goes(buy, make_product, settings):
    """So that no order by itself makes it come and go."""
    mug, tea = make_product(), make_product()
    orders = [buy(mug, tea, by=name) for name in ("ada", "ben", "cem")]
    assert not shown(mug, settings)
    orders.append(buy(mug, tea, by="dan"))
    assert shown(mug, settings)
    orders.pop().delete()
    assert shown(mug, settings), "it was shown, and three are left"
    orders.pop().delete()
    assert not shown(mug, settings)
    buy(mug, tea, by="eve")
    assert not shown(mug, settings), "three again, and it was not shown"


def test_a_threshold_of_one_hides_nothing(buy, make_product, settings):
    mug, tea = make_product(), make_product()
    buy(mug, tea, by="ada")
    assert shown(mug, settings, least=1)


def test_what_is_shown_is_remembered_although_numbers_are_given_anew(buy, make_product, settings):
    mug, tea, pot, cup = (make_product() for _ in range(4))
    first = buy(mug, tea, by="eve")
    for name in ("ada", "ben", "cem", "dan"):
        last = buy(pot, cup, by=name)
    assert set(shown(pot, settings)) == {item(cup)}
    numbers = {row.name: row.number for row in CountedItem.objects.all()}
    first.delete()
    last.delete()
    for name in ("eve", "fay", "gus"):
        buy(mug, tea, by=name)
    assert set(shown(pot, settings)) == {item(cup)}
    assert not shown(mug, settings)
    assert CountedItem.objects.get(name=item(mug)).number == numbers[item(pot)]


def test_nothing_that_shoppers_see_moves_before_the_next_full_count(buy, make_product, settings):
    mug, tea, pot = make_product(), make_product(), make_product()
    orders = [buy(mug, tea, by=name) for name in ("ada", "ben", "cem", "dan")]
    before = shown(mug, settings)
    for name in ("eve", "fay", "gus", "hal", "ida"):
        buy(mug, tea, by=name)
        buy(mug, pot, by=name)
        buy(tea, by=name)
    updating.count_pending()
    assert pair(mug, pot)[2] == 5
    assert partners_of([item(mug)])[item(mug)] == list(before.values())
    assert set(shown(mug, settings)) == {item(tea), item(pot)}
    for order in Order.objects.filter(customer__name__in=("eve", "fay", "gus")):
        order.delete()
    updating.count_pending()
    left = {one.item for one in partners_of([item(mug)])[item(mug)]}
    assert left == {item(tea)}, "two are left of the other pair, and nobody waits for the night"
    assert orders
