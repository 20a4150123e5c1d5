"""Orders that wait to be counted, in the admin."""

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from similarity.orders.models import PendingOrder
from tests.configure import with_settings
from tests.fixtures_indexing import wakeups  # noqa: F401
from tests.host.models import Order

pytestmark = pytest.mark.django_db

OUTBOX = reverse("admin:similarity_orders_pendingorder_changelist")


@pytest.fixture
def staff(admin_user):
    client = Client()
    client.force_login(admin_user)
    return client


@pytest.fixture
def rows(db):
    """One order due, one given up."""
    due, dead = (
        Order.objects.create(number=f"A-{number}", placed_at=timezone.now()) for number in range(2)
    )
    PendingOrder.objects.filter(order_key=dead.pk).update(
        dead=True, attempts=8, last_error="ValueError: no price"
    )
    connection.run_on_commit.clear()
    return due, dead


def test_the_list_says_what_waits_and_why(staff, rows):
    text = staff.get(OUTBOX).content.decode()
    assert "due now" in text
    assert "ValueError: no price" in text
    assert reverse("admin:host_order_change", args=[rows[0].pk]) in text


@pytest.mark.parametrize(("state", "found"), [("due", 1), ("dead", 1), ("later", 0)])
def test_the_list_by_state(staff, rows, state, found):
    response = staff.get(OUTBOX, {"state": state})
    assert response.context["cl"].result_count == found


def test_an_unknown_state_is_no_error(staff, rows):
    assert staff.get(OUTBOX, {"state": "?"}, follow=True).status_code == 200


def test_given_up_orders_are_revived(
    staff,
    rows,
    wakeups,  # noqa: F811
    django_capture_on_commit_callbacks,
):
    chosen = [row.pk for row in PendingOrder.objects.all()]
    with django_capture_on_commit_callbacks(execute=True):
        response = staff.post(
            OUTBOX, {"action": "revive", "_selected_action": chosen, "index": 0}, follow=True
        )
    assert "1 change(s) of orders will be counted again." in response.content.decode()
    assert not PendingOrder.objects.dead().exists()
    assert wakeups == ["similarity.count_orders"]


def test_rows_can_be_neither_added_nor_deleted(staff, rows):
    row = PendingOrder.objects.first()
    assert staff.get(reverse("admin:similarity_orders_pendingorder_add")).status_code == 403
    assert (
        staff.get(reverse("admin:similarity_orders_pendingorder_delete", args=[row.pk])).status_code
        == 403
    )
    page = staff.get(reverse("admin:similarity_orders_pendingorder_change", args=[row.pk]))
    assert page.status_code == 200


def test_a_shop_without_orders_has_an_empty_list(staff, settings, rows):
    settings.SIMILARITY = with_settings(ORDERS={"SOURCE": None})
    assert staff.get(OUTBOX).status_code == 200
