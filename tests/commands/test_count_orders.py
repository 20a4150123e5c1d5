"""manage.py similarity count-orders, run as a shop runs it."""

import time

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from similarity.orders.counting import runs
from similarity.orders.models import CountedBasket, PendingOrder
from tests.configure import with_settings
from tests.fixtures_indexing import wakeups  # noqa: F401
from tests.host.models import Order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("wakeups")]


@pytest.fixture
def orders(make_product):
    """Four orders of two products, none of which told the outbox."""
    products = [make_product(), make_product()]
    for number in range(4):
        order = Order.objects.create(
            number=f"A-{number}", email=f"{number}@example.com", placed_at=timezone.now()
        )
        for product in products:
            order.lines.create(product=product, unit_price=1)
    PendingOrder.objects.all().delete()


def text(capsys, *arguments):
    call_command("similarity", "count-orders", *arguments)
    return capsys.readouterr().out


def test_a_full_count_says_what_it_found(orders, capsys):
    assert "4 orders by" in (said := text(capsys, "--full"))
    assert "2 items, 2 of them with partners" in said


def test_it_counts_what_waits(orders, capsys):
    text(capsys, "--full")
    Order.objects.first().delete()
    said = text(capsys)
    assert "1 changes of orders counted." in said
    assert "3 orders by" in said
    assert not PendingOrder.objects.exists()


def test_watching_goes_on_until_it_is_stopped(orders, capsys, monkeypatch):
    text(capsys, "--full")
    naps = []

    def nap(seconds):
        naps.append(seconds)
        if len(naps) == 1:
            Order.objects.first().delete()
        else:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", nap)
    with pytest.raises(SystemExit) as stopped:
        call_command("similarity", "count-orders", "--watch")
    assert stopped.value.code == 130
    assert CountedBasket.objects.count() == 3
    assert "orders that were not counted stay in the outbox" in capsys.readouterr().err


def test_a_shop_without_orders_is_told(settings, capsys):
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": None})
    assert "Nothing to count: SIMILARITY['ORDERS']['SOURCE'] is None." in text(capsys)
    with pytest.raises(CommandError, match="map the order model"):
        call_command("similarity", "count-orders", "--full")
    assert runs.last_run() is None


def test_orders_that_cannot_be_counted_are_an_error(orders, capsys):
    text(capsys, "--full")
    PendingOrder.objects.enqueue(["1"])
    PendingOrder.objects.update(dead=True, last_error="ValueError: a line without a price")
    with pytest.raises(CommandError, match=r"order 1: ValueError: a line without a price"):
        call_command("similarity", "count-orders")


def test_its_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        call_command("similarity", "count-orders", "--help")
    assert "manage.py similarity count-orders --full " in capsys.readouterr().out
