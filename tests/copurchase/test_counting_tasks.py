"""The tasks that count orders, called as a worker calls them."""

# ruff: noqa: F811 - fixtures that are imported

import time

import pytest
from celery import current_app
from django.conf import settings
from django.utils import timezone

from similarity import beat_schedule
from similarity.orders import tasks
from similarity.orders.counting import full, ranking, runs, updating
from similarity.orders.models import PendingOrder
from tests.configure import with_settings
from tests.fixtures_indexing import wakeups  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("wakeups")]


def test_beat_counts_what_a_lost_message_left(random_shop):
    random_shop(1).place(at=timezone.now())
    scheduled = [
        s["task"]
        for s in beat_schedule(settings.INSTALLED_APPS).values()
        if "count_orders" in s["task"]
    ]
    current_app.tasks[scheduled[0]]()
    assert runs.last_run().baskets == 1
    assert not PendingOrder.objects.exists()


def test_beat_counts_every_order_anew(random_shop):
    random_shop(1).place(at=timezone.now())
    PendingOrder.objects.all().delete()
    tasks.count_all_orders()
    assert runs.last_run().baskets == 1


def test_a_count_out_of_time_asks_for_another(random_shop, wakeups, monkeypatch):
    shop = random_shop(1)
    full.count_all()
    for _ in range(5):
        shop.place(at=timezone.now())
    wakeups.clear()
    monkeypatch.setattr(updating, "BATCH", 2)
    monkeypatch.setattr(tasks, "BUDGET_S", 0.05)
    withdraw = ranking.withdraw

    def slowly(*args):
        withdraw(*args)
        time.sleep(0.06)

    monkeypatch.setattr(ranking, "withdraw", slowly)
    assert tasks.count_orders() == 2
    assert PendingOrder.objects.count() == 3
    assert wakeups == ["similarity.count_orders"]


def test_settings_that_do_not_fit_are_logged_and_orders_wait(random_shop, settings, caplog):
    random_shop(1).place(at=timezone.now())
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": {"model": "host.Ordre"}})
    assert tasks.count_orders() == 0
    assert "has no 'placed_at'" in caplog.text
    assert PendingOrder.objects.count() == 1


def test_a_count_that_is_busy_is_logged(random_shop, monkeypatch, caplog):
    def busy():
        raise runs.CountBusy("Another process has been counting orders.")

    monkeypatch.setattr(full, "count_all", busy)
    tasks.count_all_orders()
    assert "Another process has been counting orders." in caplog.text


def test_a_shop_without_orders_has_nothing_to_count(settings, caplog):
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": None})
    tasks.count_all_orders()
    assert tasks.count_orders() == 0
    assert caplog.text == ""
