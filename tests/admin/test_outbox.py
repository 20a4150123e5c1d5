"""The outbox in the admin: by state and age, with errors to read, tried again, given up."""

import datetime as dt
import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from similarity.admin.outbox import duration
from similarity.models import PendingProduct
from similarity.operations import backlog

pytestmark = pytest.mark.django_db

OUTBOX = "/admin/similarity/pendingproduct/"
TRACE = "UnidentifiedImageError: no image\n  in read\n  <script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _no_messages(monkeypatch):
    monkeypatch.setattr("similarity.connections.wakeup.send", lambda *args, **kwargs: None)


@pytest.fixture
def rows(db):
    now = timezone.now()

    def make(key, age, **fields):
        made = now - dt.timedelta(seconds=age)
        fields = {"created_at": made, "available_at": made, **fields}
        return PendingProduct.objects.create(product_key=key, **fields)

    return {
        "fresh": make("fresh-1", 5),
        "leased": make("leased-1", 100, lease_until=now + dt.timedelta(hours=1)),
        "later": make(
            "later-1",
            4000,
            available_at=now + dt.timedelta(minutes=10),
            attempts=3,
            last_error=TRACE,
        ),
        "dead": make("dead-1", 200_000, dead=True, attempts=8, last_error="x" * 300),
    }


def act(client, action, chosen):
    data = {"action": action, "_selected_action": [row.pk for row in chosen]}
    return client.post(OUTBOX, data, follow=True)


@pytest.mark.parametrize(
    ("age", "found"),
    [
        ("minute", ["leased", "later", "dead"]),
        ("quarter", ["later", "dead"]),
        ("hour", ["later", "dead"]),
        ("day", ["dead"]),
    ],
)
def test_rows_by_age(admin_client, rows, age, found):
    html = admin_client.get(OUTBOX, {"age": age}).content.decode()
    assert [name for name in rows if f"{name}-1" in html] == found


def test_state_and_age_together_and_nonsense(admin_client, rows):
    html = admin_client.get(OUTBOX, {"age": "hour", "state": "later"}).content.decode()
    assert [name for name in rows if f"{name}-1" in html] == ["later"]
    assert admin_client.get(OUTBOX, {"age": "nonsense"}).status_code == 302


def test_what_waits_stands_above_the_list(admin_client, rows):
    html = admin_client.get(OUTBOX).content.decode()
    summary = " ".join(html.split('class="similarity-outbox"')[1].split("</dl>")[0].split())
    for state in ("due", "leased", "later", "dead"):
        assert f'<a href="?state={state}">' in summary
    assert summary.count("<dd>1</dd>") == 4
    assert "<dd>2 min</dd>" in summary  # the lag: what is leased has been due for 100 s
    assert '<div class="bad"><dt><a href="?state=dead">' in summary


def test_large_counts_say_that_they_are_estimates(admin_client, monkeypatch):
    PendingProduct.objects.enqueue(range(6))
    monkeypatch.setattr(backlog, "EXACT", 3)
    monkeypatch.setattr(backlog, "planned", lambda rows: 1234)
    assert "about 1234" in admin_client.get(OUTBOX).content.decode()


def test_errors_show_their_first_line_and_unfold(admin_client, rows):
    html = admin_client.get(OUTBOX).content.decode()
    assert "<summary>UnidentifiedImageError: no image</summary>" in html
    assert "&lt;script&gt;" in html
    assert "<script>alert" not in html
    assert f"<summary>{'x' * 80}…</summary>" in html


def test_ages_and_next_attempts_are_told(admin_client, rows):
    html = admin_client.get(OUTBOX).content.decode()
    assert "5 s ago" in html or "6 s ago" in html
    assert "2 days ago" in html
    assert "in 10 min" in html


def test_what_kills_workers_is_told_in_the_list_and_on_its_page(admin_client, rows):
    """Else nobody sees, before the product is given up, why workers end again and again."""
    PendingProduct.objects.filter(pk=rows["later"].pk).update(kills=2)
    PendingProduct.objects.filter(pk=rows["dead"].pk).update(kills=3)
    html = admin_client.get(OUTBOX).content.decode()
    column = re.findall(r'class="field-workers_killed">([^<]*)<', html)
    assert sorted(column) == ["2 of 3", "3 of 3", "–", "–"]
    assert admin_client.get(OUTBOX, {"o": "-5"}).status_code == 200
    page = admin_client.get(
        reverse("admin:similarity_pendingproduct_change", args=[rows["later"].pk])
    )
    assert "Workers killed:" in page.content.decode()
    assert "2 of 3" in page.content.decode()


def test_retry_makes_due_what_was_given_up_or_backs_off(admin_client, rows):
    act(admin_client, "retry", rows.values())
    due = set(PendingProduct.objects.due().values_list("product_key", flat=True))
    assert due == {"fresh-1", "later-1", "dead-1"}
    held = PendingProduct.objects.get(product_key="leased-1")
    assert held.lease_until == rows["leased"].lease_until  # a worker is at it


def test_giving_up_keeps_the_error_and_spares_what_is_held(admin_client, rows):
    html = act(admin_client, "give_up", rows.values()).content.decode()
    given = set(PendingProduct.objects.dead().values_list("product_key", flat=True))
    assert given == {"fresh-1", "later-1", "dead-1"}
    assert PendingProduct.objects.get(product_key="later-1").last_error == (
        f"Given up by admin.\n{TRACE}"
    )
    assert PendingProduct.objects.get(product_key="dead-1").last_error == "x" * 300
    assert "A worker holds 1 of the selected products" in html


@pytest.mark.parametrize("action", ["retry", "give_up"])
def test_actions_need_permission(rows, action):
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_pendingproduct"))
    client = Client()
    client.force_login(user)
    before = list(PendingProduct.objects.order_by("pk").values())
    act(client, action, rows.values())
    assert list(PendingProduct.objects.order_by("pk").values()) == before


def test_nobody_sees_it_without_permission(rows):
    client = Client()
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    assert client.get(OUTBOX).status_code == 403


def test_a_row_has_its_own_page(admin_client, rows):
    page = admin_client.get(
        reverse("admin:similarity_pendingproduct_change", args=[rows["later"].pk])
    )
    assert b"in read" in page.content


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "120 min"), (7200, "2 h"),
        (172_800, "2 days"),
    ],
)  # fmt: skip
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_the_dead_are_found_by_an_index(rows):
    """They are counted at every scrape, however many wait."""
    PendingProduct.objects.enqueue(range(2000))
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {PendingProduct._meta.db_table}")
    assert "similarity_pending_dead" in PendingProduct.objects.dead().order_by().explain()
