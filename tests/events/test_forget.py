"""`manage.py similarity forget` erases one account's history and says what went."""

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from similarity.events.models import Event, Profile
from tests.events.shoppers import anonymous, happen

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(make_product):
    profile = Profile.objects.create(user=User.objects.create_user("ann", email="a@example.com"))
    happen(profile, make_product())
    happen(anonymous(), make_product())
    return profile


@pytest.mark.parametrize("by", ["key", "username"])
def test_one_shopper_is_erased(ann, capsys, by):
    who = ("--user", str(ann.user_id)) if by == "key" else ("--user-field", "username", "ann")
    call_command("similarity", "forget", *who)
    assert "Erased: 1 events and the profile." in capsys.readouterr().out
    assert Event.objects.count() == 1
    assert Profile.objects.get().user_id is None
    assert User.objects.filter(username="ann").exists()
    call_command("similarity", "forget", *who)
    assert "Nothing is kept of this shopper." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("who", "fault"),
    [
        (("--user", "999999"), "There is no user with pk '999999'"),
        (("--user", "ann"), "There cannot be a user with pk 'ann'"),
        (("--user-field", "shoe", "44"), "There cannot be a user with shoe '44'"),
        (("--user-field", "email", "a@example.com"), "Several users have email"),
        ((), "required"),
    ],
)
def test_who_is_meant_must_be_clear(ann, who, fault):
    User.objects.create_user("other", email="a@example.com")
    with pytest.raises(CommandError, match=fault):
        call_command("similarity", "forget", *who)
    assert Event.objects.count() == 2
