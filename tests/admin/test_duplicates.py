"""Near-duplicates in the admin: side by side, by permission, dismissed for good."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from similarity.insights.duplicates import Duplicate
from similarity.insights.models import DuplicateListing

pytestmark = pytest.mark.django_db

LIST = reverse("admin:similarity_insights_duplicatelisting_changelist")


@pytest.fixture
def pair(make_product, photo):
    one = make_product(name="Mug, blue")
    one.images.create(image=photo("navy"), alt="A blue mug")
    other = make_product(name="Blue mug <b>")
    return DuplicateListing.objects.create(
        first=str(one.pk),
        second=str(other.pk),
        score=0.9699,
        fused=0.98,
        text=0.9699,
        image=None,
        found_at=timezone.now(),
    )


def client_with(*codenames):
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def test_both_are_shown_with_photos_scores_and_links(pair, admin_client):
    page = admin_client.get(LIST).content.decode()
    assert "Mug, blue" in page
    assert "Blue mug &lt;b&gt;" in page
    assert 'alt="A blue mug"' in page
    assert "no photo" in page
    assert "96.9 %" in page  # rounded down
    assert reverse("admin:host_product_change", args=[pair.first]) in page


def test_a_product_that_is_gone_is_said_to_be(pair, admin_client):
    DuplicateListing.objects.update(first="999999", second="nonsense")
    page = admin_client.get(LIST).content.decode()
    assert "product 999999 is gone" in page
    assert "product nonsense is gone" in page


def test_queries_do_not_grow_with_the_pairs(pair, admin_client, make_product):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        admin_client.get(LIST)
    for _ in range(10):
        one, other = make_product(), make_product()
        DuplicateListing.objects.create(
            first=str(one.pk), second=str(other.pk), score=1, fused=1, found_at=timezone.now()
        )
    with CaptureQueriesContext(connection) as many:
        admin_client.get(LIST)
    assert len(many) <= len(few) + 1


def test_who_may_not_view_or_change_cannot(pair):
    assert client_with().get(LIST).status_code == 403
    User.objects.all().delete()
    viewer = client_with("view_duplicatelisting")
    assert viewer.get(LIST).status_code == 200
    act(viewer, "dismiss", pair)
    assert not DuplicateListing.objects.get().dismissed


def act(client, action, *rows):
    data = {"action": action, "_selected_action": [row.pk for row in rows], "index": 0}
    return client.post(LIST, data, follow=True)


def test_dismissed_pairs_leave_the_list_and_can_come_back(pair, admin_client):
    act(admin_client, "dismiss", pair)
    assert "Mug, blue" not in admin_client.get(LIST).content.decode()
    assert "Mug, blue" in admin_client.get(LIST, {"state": "dismissed"}).content.decode()
    assert "Mug, blue" in admin_client.get(LIST, {"state": "every"}).content.decode()
    data = {"action": "reopen", "_selected_action": [pair.pk], "index": 0}
    admin_client.post(f"{LIST}?state=dismissed", data, follow=True)
    assert not DuplicateListing.objects.get().dismissed


def found(first, second, score):
    return Duplicate(score, first, second, score, score, score)


def test_a_new_search_replaces_the_old_and_keeps_what_was_dismissed(pair):
    DuplicateListing.objects.create(
        first="7", second="8", score=0.9, fused=0.9, dismissed=True, found_at=timezone.now()
    )
    count = DuplicateListing.objects.all().replace([found("7", "8", 0.95), found("8", "9", 0.97)])
    assert count == 1
    rows = {(row.first, row.second): row for row in DuplicateListing.objects.all()}
    assert set(rows) == {("7", "8"), ("8", "9")}
    assert rows["7", "8"].dismissed
    assert rows["7", "8"].score == 0.95
    assert not rows["8", "9"].dismissed
