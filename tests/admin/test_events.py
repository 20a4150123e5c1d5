"""Events in the admin: numbers for staff, single histories by permission, each look logged."""

import json
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ObjectDoesNotExist
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from similarity.events import counting
from similarity.events.admin import day_chart
from similarity.events.models import Event, EventDay, Kind, Profile
from tests.events.shoppers import anonymous, happen

pytestmark = pytest.mark.django_db

PROFILES = reverse("admin:similarity_events_profile_changelist")
DAYS = reverse("admin:similarity_events_eventday_changelist")


def staff(*permissions):
    """A browser of a clerk with these permissions."""
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    browser = Client()
    browser.force_login(clerk)
    return browser


def act(browser, action, *profiles, **more):
    chosen = [str(profile.pk) for profile in profiles]
    return browser.post(PROFILES, {"action": action, "_selected_action": chosen, **more})


@pytest.fixture
def ann(make_product):
    user = User.objects.create_user("ann", email="ann@example.com")
    profile = Profile.objects.create(user=user)
    happen(profile, make_product(name="Linen <shirt>"), minutes=3)
    happen(profile, make_product(is_active=False, name="Hidden lamp"), Kind.PURCHASE)
    return profile


def test_the_list_is_coarse(ann):
    other = anonymous()
    page = staff("view_profile").get(PROFILES).content.decode()
    assert "signed in" in page
    assert "anonymous" in page
    assert f"{timezone.now():%Y-%m}" in page
    assert "ann" not in page.replace("anonymous", "").replace("cannot", "").lower().split()
    assert "ann@example.com" not in page
    assert other.pseudonym not in page
    assert "Show history" not in page


def test_no_address_holds_a_profiles_number(ann):
    for name in ("change", "delete", "history"):
        with pytest.raises(NoReverseMatch):
            reverse(f"admin:similarity_events_profile_{name}", args=[ann.pk])
    browser = staff("view_profile", "change_profile", "delete_profile", "view_history")
    for path in (f"{PROFILES}{ann.pk}/", f"{PROFILES}{ann.pk}/change/"):
        assert browser.get(path).status_code == 404
    page = browser.get(PROFILES).content.decode()
    assert f'href="{PROFILES}{ann.pk}' not in page


def test_a_history_needs_its_own_permission(ann):
    browser = staff("view_profile", "change_profile", "delete_profile")
    for action in ("show_history", "export"):
        assert act(browser, action, ann).status_code == 403
    assert not LogEntry.objects.exists()
    assert "search" not in browser.get(PROFILES).content.decode().split("<form")[0]
    assert browser.get(f"{PROFILES}?q=ann").context["cl"].result_count == 1  # q is not read


def test_without_any_permission_nothing_is_shown(ann):
    browser = staff()
    for page in (PROFILES, DAYS):
        assert browser.get(page).status_code == 403
    assert act(browser, "erase", ann).status_code == 403
    assert Event.objects.count() == 2
    assert Client().get(PROFILES).status_code == 302


def test_each_look_is_logged_by_account(ann):
    browser = staff("view_profile", "view_history")
    answer = act(browser, "show_history", ann)
    page = answer.content.decode()
    assert "Linen &lt;shirt&gt;" in page
    assert "Hidden lamp" in page
    assert "no-store" in answer["Cache-Control"]
    look = LogEntry.objects.get()
    assert (look.user.username, look.object_repr, look.object_id) == (
        "clerk",
        "ann",
        str(ann.user_id),
    )
    assert "Looked at the history" in look.get_change_message()
    assert look.get_edited_object() == ann.user
    assert str(ann.pk) not in f"{look.object_id}{look.change_message}{look.object_repr}"
    act(browser, "show_history", ann)
    assert LogEntry.objects.count() == 2


def test_a_look_at_an_anonymous_shopper_names_nobody(ann):
    other = anonymous()
    act(staff("view_profile", "view_history"), "show_history", other)
    look = LogEntry.objects.get()
    assert (look.object_repr, look.object_id) == ("an anonymous shopper", None)
    with pytest.raises((ObjectDoesNotExist, ValueError)):
        look.get_edited_object()
    assert look.get_admin_url() is None


def test_only_one_history_at_a_time(ann):
    browser = staff("view_profile", "view_history")
    answer = act(browser, "show_history", ann, anonymous())
    assert answer.status_code == 302
    assert "Select one shopper" in browser.get(PROFILES).content.decode()
    assert not LogEntry.objects.exists()


def test_an_account_is_found_by_its_exact_name(ann):
    other = User.objects.create_user("anne")
    Profile.objects.create(user=other)
    found = staff("view_profile", "view_history").get(f"{PROFILES}?q=ann").context["cl"]
    assert [profile.user_id for profile in found.result_list] == [ann.user_id]


def test_an_export_is_a_file_and_logged(ann):
    answer = act(staff("view_profile", "view_history"), "export", ann)
    assert answer["Content-Disposition"] == 'attachment; filename="shopper.json"'
    exported = json.loads(answer.content)
    assert [event["type"] for event in exported["events"]] == ["purchase", "view"]
    assert "Exported" in LogEntry.objects.get().get_change_message()


def test_erasing_asks_first_and_is_logged(ann):
    other = anonymous()
    browser = staff("view_profile", "delete_profile")
    asked = act(browser, "erase", ann, other)
    assert "This cannot be undone" in asked.content.decode()
    assert Event.objects.count() == 2
    act(browser, "erase", ann, other, confirmed="yes")
    assert not Event.objects.exists()
    assert not Profile.objects.exists()
    assert User.objects.filter(username="ann").exists()
    entries = LogEntry.objects.all()
    assert {entry.object_repr for entry in entries} == {"ann", "an anonymous shopper"}
    assert all(entry.is_deletion() for entry in entries)
    assert "2 shopper(s) and 2 event(s) erased" in browser.get(PROFILES).content.decode()


def test_days_are_drawn_and_listed(ann):
    today = timezone.localdate()
    EventDay.objects.create(day=today - timedelta(days=1), kind=Kind.VIEW, events=1234)
    EventDay.objects.create(day=today - timedelta(days=1), kind=Kind.LIKE, events=6)
    EventDay.objects.create(day=today - timedelta(days=40), kind=Kind.VIEW, events=77)
    page = staff("view_eventday").get(DAYS).content.decode()
    assert page.count("<title>") - 1 == 4  # bars: two of yesterday, two of today until now
    assert "<td>1234</td>" in page
    assert "<td>1240</td>" in page
    assert "<td>77</td>" not in page
    assert f"{today - timedelta(days=1):%Y-%m-%d}: 6 × Like" in page
    assert "<script" not in page.split("<main")[1]
    page = staff_again().get(f"{DAYS}?days=90").content.decode()
    assert "<td>77</td>" in page
    assert "90 days</strong>" in page


def staff_again():
    browser = Client()
    browser.force_login(User.objects.get(username="clerk"))
    return browser


@pytest.mark.parametrize("asked", ["", "x", "99999999999", "-1"])
def test_an_odd_number_of_days_is_the_usual_one(asked, admin_client):
    assert "30 days</strong>" in admin_client.get(f"{DAYS}?days={asked}").content.decode()


def test_a_day_that_takes_long_to_count_is_left_out(admin_client, monkeypatch):
    monkeypatch.setattr(counting, "count_today", lambda using: None)
    assert "too many events to count now" in admin_client.get(DAYS).content.decode()


@pytest.mark.parametrize(
    ("most", "top"), [(1, 2), (3, 4), (10, 10), (11, 16), (17, 20), (1240, 1600)]
)
def test_the_axis_ends_at_a_round_number(most, top):
    assert day_chart.nice_top(most) == top
