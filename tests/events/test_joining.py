"""A visitor's history joins their account at log-in: once, one way, and bounded in time."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from similarity.events import joining, partitions
from similarity.events.identity import COOKIE, pseudonym_of
from similarity.events.models import Event, Kind, Profile

pytestmark = pytest.mark.django_db

TOKEN = "a token of tests"


@pytest.fixture
def ada():
    return User.objects.create_user("ada", email="ada@example.com", password="a long password")


@pytest.fixture
def visitor():
    return Profile.objects.create(pseudonym=pseudonym_of(TOKEN), reasons=False)


@pytest.fixture
def did(make_product):
    """Makes events of a profile some days ago: ``did(profile, 1, 40)``."""
    product = make_product()

    def make(profile, *days):
        now = timezone.now()
        partitions.create(now - timedelta(days=max(days)), now, "default")
        for ago in days:
            Event.objects.create(
                at=now - timedelta(days=ago), profile=profile, kind=Kind.VIEW, product=product
            )

    return make


def browser(token=TOKEN):
    client = Client()
    client.cookies[COOKIE] = token
    return client


def sign_in(client):
    assert client.login(username="ada", password="a long password")


def post_login(client, **headers):
    """By a request, as a shopper does: only there the cookie is known."""
    return client.post(
        "/admin/login/", {"username": "ada", "password": "a long password"}, **headers
    )


@pytest.fixture
def staff_ada(ada):
    ada.is_staff = True
    ada.save()
    return ada


def test_the_last_days_join_and_older_events_are_erased(staff_ada, visitor, did):
    did(visitor, 1, 29, 31)
    assert post_login(browser()).status_code == 302
    account = Profile.objects.get()
    assert account.user == staff_ada
    assert not account.reasons  # as the visitor chose
    assert Event.objects.filter(profile=account).count() == Event.objects.count() == 2


def test_the_old_cookie_names_nobody_any_more(staff_ada, visitor, did):
    did(visitor, 1)
    post_login(browser())
    assert not Profile.objects.filter(pseudonym__isnull=False).exists()
    again = browser()
    answer = again.get("/api/similarity/v1/me/preferences/").json()
    assert not answer["consent"]


def test_an_account_that_has_a_profile_keeps_its_own_choices(staff_ada, visitor, did):
    Profile.objects.create(user=staff_ada, reasons=True)
    did(visitor, 1)
    post_login(browser())
    account = Profile.objects.get()
    assert account.reasons
    assert Event.objects.get().profile == account


def test_a_planted_cookie_brings_its_owner_nothing_of_the_victim(staff_ada, visitor, did):
    """Session fixation: the attacker keeps the token that the victim signed in with."""
    did(visitor, 1)
    post_login(browser())
    attacker = browser()
    assert not attacker.get("/api/similarity/v1/me/preferences/").json()["consent"]
    assert Profile.objects.get().user == staff_ada


def test_nothing_joins_where_the_browser_refuses(staff_ada, visitor, did):
    did(visitor, 1)
    post_login(browser(), HTTP_SEC_GPC="1")
    assert Event.objects.get().profile == visitor


def test_without_a_visitor_s_cookie_an_account_gets_no_profile(staff_ada):
    post_login(Client())
    assert not Profile.objects.exists()


def test_the_same_e_mail_joins_nothing(ada, visitor, did):
    did(visitor, 1)
    other = User.objects.create_user("eve", email="ada@example.com", is_staff=True)
    Client().force_login(other)
    assert Event.objects.get().profile == visitor


def test_a_failure_never_breaks_the_login(staff_ada, visitor, monkeypatch, caplog):
    def broken(profile, user):
        raise RuntimeError("a fault")

    monkeypatch.setattr(joining, "join", broken)
    assert post_login(browser()).status_code == 302
    assert "did not join" in caplog.text


def test_two_logins_with_one_cookie_join_once(ada, visitor, did):
    did(visitor, 1)
    stale = Profile.objects.get(pk=visitor.pk)
    joining.join(visitor, ada)
    assert joining.join(stale, ada).user == ada
    assert Event.objects.count() == 1
    assert Profile.objects.count() == 1
