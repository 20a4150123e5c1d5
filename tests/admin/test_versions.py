"""Every page and button of versions in the admin is really called."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from similarity.connections import wakeup
from similarity.models import EncoderVersion, ProductVectors
from similarity.vectors import indexes
from similarity.versions import build, lifecycle
from tests.fixtures_indexing import fake_encoders, wakeups  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_encoders")]

VERSIONS = reverse("admin:similarity_encoderversion_changelist")
BUILD = reverse("admin:similarity_encoderversion_build")
ROLLBACK = reverse("admin:similarity_encoderversion_rollback")


@pytest.fixture
def staff(admin_user):
    client = Client()
    client.force_login(admin_user)
    return client


@pytest.fixture
def viewer():
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_encoderversion"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def live(make_product):
    for number in range(6):
        make_product(name=f"Product number {number}", category=["Lamps", "Chairs"][number % 2])
    return lifecycle.ensure_live_version()


@pytest.fixture
def ready(live):
    return lifecycle.build_version()


@pytest.mark.parametrize(
    ("path", "under"),
    [
        ("encoderversion/build/", "similarity/encoderversion"),
        ("cataloguemap/map/", "similarity_insights/cataloguemap"),
        ("pendingproduct/progress/", "similarity/pendingproduct"),
    ],
)
def test_a_page_of_its_own_leads_back_to_the_list_it_belongs_to(staff, path, under):
    text = staff.get(f"/admin/{under.split('/')[0]}/{path}").content.decode()
    crumbs = text.split('<div class="breadcrumbs">')[1].split("</div>")[0]
    assert re.findall('href="(.*?)"', crumbs)[-1] == f"/admin/{under}/"


def page(name, version):
    return reverse(f"admin:similarity_encoderversion_{name}", args=[version.pk])


def act(client, action, rows, **more):
    data = {"action": action, "_selected_action": [row.pk for row in rows], "index": 0, **more}
    return client.post(VERSIONS, data, follow=True)


def status(version):
    return EncoderVersion.objects.get(pk=version.pk).status


def test_the_list_shows_states_and_never_loads_the_artefact(
    staff, ready, django_assert_max_num_queries
):
    with django_assert_max_num_queries(20) as captured:
        html = staff.get(VERSIONS).content.decode()
    assert "6 of 6 (100 %)" in html
    assert "similarity-live" in html
    assert "Build a version with the present settings" in html
    assert not any('"fusion",' in query["sql"] for query in captured.captured_queries)


def test_a_version_stands_beside_the_live_one(staff, live, ready):
    html = staff.get(page("change", ready)).content.decode()
    assert f"Live, version {live.pk}" in html
    assert "Neighbours of the same category" in html
    assert "Neighbours in both versions" in html
    assert "100.0 %" in html
    assert "8 numbers, 70% by weight" in html
    assert "hash-16-" in html
    assert page("promote", ready) in html


def test_a_build_shows_how_far_it_is_and_how_to_go_on(staff, live, settings):
    begun = build.begin()
    told = {"phase": "embed", "done": 34_000, "total": 100_000, "per_s": 100.0, "error": "No GPU"}
    told["at"] = "2026-01-01T00:00:00+00:00"
    EncoderVersion.objects.filter(pk=begun.pk).update(progress=told)
    html = staff.get(page("change", begun)).content.decode()
    assert "Stopped at embedding 34,000 of 100,000" in html
    assert "No GPU" in html
    assert "Continue building" in html
    assert "http-equiv" not in html


def test_a_running_build_loads_its_page_again(staff, live, monkeypatch):
    begun = build.begin()
    monkeypatch.setattr(build, "is_building", lambda: True)
    html = staff.get(page("change", begun)).content.decode()
    assert 'http-equiv="refresh"' in html
    assert "Continue building" not in html


def test_building_is_left_to_a_worker(staff, live, wakeups):  # noqa: F811
    assert "Yes, build" in staff.get(BUILD).content.decode()
    assert wakeups == []
    staff.post(BUILD)
    assert wakeups == [build.TASK]


def test_without_a_broker_it_says_what_to_run(staff, live, monkeypatch):
    monkeypatch.setattr(wakeup, "wake", lambda *args, **options: False)
    assert "manage.py similarity build" in staff.post(BUILD, follow=True).content.decode()


def test_promoting_asks_with_the_table_then_switches(staff, live, ready):
    html = act(staff, "promote", [ready]).content.decode()
    assert "Yes, promote" in html
    assert "Eligible products with vectors" in html
    assert status(live) == "live"
    html = staff.post(page("promote", ready), follow=True).content.decode()
    assert f"Version {ready.pk} is live" in html
    assert status(ready) == "live"


def test_what_is_not_good_enough_needs_a_tick(staff, ready):
    ProductVectors.objects.of_version(ready).delete()
    assert (
        "Promote it in spite of the figures" in staff.get(page("promote", ready)).content.decode()
    )
    html = staff.post(page("promote", ready), follow=True).content.decode()
    assert "0 of 6 (0.0 %)" in html
    assert status(ready) == "ready"
    staff.post(page("promote", ready), {"force": "yes"})
    assert status(ready) == "live"


def test_rolling_back_asks_first(staff, live, ready):
    lifecycle.promote(ready)
    assert ROLLBACK in staff.get(VERSIONS).content.decode()
    assert f"Roll back to version {live.pk}?" in staff.get(ROLLBACK).content.decode()
    staff.post(ROLLBACK)
    assert status(live) == "live"
    assert "nothing to roll back to" in staff.post(ROLLBACK, follow=True).content.decode()
    assert ROLLBACK not in staff.get(VERSIONS).content.decode()


def test_figures_beside_another_live_version_are_taken_again(staff, live, ready, wakeups):  # noqa: F811
    other = lifecycle.build_version()
    lifecycle.promote(other)
    html = staff.get(page("change", ready)).content.decode()
    assert "compares them first" in html
    staff.post(page("compare", ready))
    assert wakeups == [build.COMPARE_TASK]
    assert staff.get(page("compare", ready)).status_code == 405


def test_retiring_asks_first_and_spares_the_live_version(staff, live, ready):
    assert "Yes, retire" in act(staff, "retire", [ready]).content.decode()
    act(staff, "retire", [ready], confirmed="yes")
    act(staff, "retire", [live], confirmed="yes")
    assert status(ready) == "retired"
    assert set(indexes.states(ready).values()) == {"missing"}
    assert status(live) == "live"


def test_one_version_is_promoted_at_a_time(staff, live, ready):
    assert "exactly one" in act(staff, "promote", [live, ready]).content.decode()


def test_an_unknown_version_is_not_found(staff):
    address = reverse("admin:similarity_encoderversion_promote", args=[999])
    assert staff.get(address).status_code == 404


def test_who_may_only_look_finds_no_button_and_may_press_none(viewer, ready, wakeups):  # noqa: F811
    for address in (VERSIONS, page("change", ready)):
        html = viewer.get(address).content.decode()
        assert "/promote/" not in html
        assert "/build/" not in html
    for address in (BUILD, ROLLBACK, page("promote", ready), page("compare", ready)):
        assert viewer.get(address).status_code == 403
        assert viewer.post(address).status_code == 403
    act(viewer, "retire", [ready], confirmed="yes")
    assert status(ready) == "ready"
    assert wakeups == []


def test_without_any_permission_there_is_no_list():
    client = Client()
    client.force_login(User.objects.create_user("guest", is_staff=True))
    assert client.get(VERSIONS).status_code == 403
