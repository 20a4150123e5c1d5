"""Verified shoppers: those whose events may count in public.

Anyone can send events, and anyone can make accounts. An account with a paid order costs money.
"""

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Exists, OuterRef
from django.utils import timezone

from similarity.catalog import times
from similarity.events.models import Event, Profile
from similarity.extension import extensions

#: Without orders an account must be this old, so that accounts made today count nowhere.
ACCOUNT_AGE = timedelta(days=7)
#: Accounts asked about at once.
_PAGE = 5000


def verified_profiles(since: Any, using: str) -> Iterator[list[int]]:
    """Yield the keys of profiles that have events ``since``, a page at a time.

    They belong to accounts with a verified order, by the answer of an app to
    ``Extension.verified_users``. If no app can tell, they belong to active accounts older than
    ``ACCOUNT_AGE``.
    """
    recent = Event.objects.using(using).filter(profile=OuterRef("pk"), at__gte=since)
    signed_in = Profile.objects.using(using).filter(Exists(recent), user__isnull=False)
    last = None
    while True:
        page = signed_in.order_by("pk")
        if last is not None:
            page = page.filter(pk__gt=last)
        rows = list(page.values_list("pk", "user_id", "consented_at")[:_PAGE])
        if not rows:
            return
        users = verified_users([user for _pk, user, _at in rows], using)
        yield [pk for pk, user, _at in rows if user in users]
        last = rows[-1][0]


def verified_users(users: Collection[Any], using: str) -> Collection[Any]:
    """Return those of the users' keys that are verified."""
    for extension in extensions():
        answer = extension.verified_users(users)
        if answer is not None:
            return answer
    return _old_accounts(users, using)


def _old_accounts(users: Collection[Any], using: str) -> Collection[Any]:
    """Return active accounts that joined, or at least consented, ``ACCOUNT_AGE`` ago."""
    model = get_user_model()
    before = timezone.now() - ACCOUNT_AGE
    rows = model._base_manager.using(using).filter(pk__in=list(users))
    if _has_field(model, "is_active"):
        rows = rows.filter(is_active=True)
    if _has_field(model, "date_joined"):
        rows = rows.filter(date_joined__lt=times.stored(before))
    consented = Profile.objects.using(using).filter(user__in=rows, consented_at__lt=before)
    return set(consented.values_list("user_id", flat=True))


def _has_field(model: Any, name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True
