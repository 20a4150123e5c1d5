"""What an anonymous shopper did joins their account when they sign in: once and one way."""

import logging
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connections, transaction

from similarity.catalog import times
from similarity.events import partitions
from similarity.events.erasure import erase
from similarity.events.identity import anonymous_profile, forget_known, may_remember
from similarity.events.models import Profile
from similarity.logs import log_error

logger = logging.getLogger(__name__)

#: Older events do not join: another person may have used the device.
JOIN_DAYS = 30


def follow_login(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    """Join the cookie's history to the account. A failure never breaks the login."""
    try:
        if request is None or not isinstance(user, get_user_model()) or not may_remember(request):
            return
        profile = anonymous_profile(request)
        if profile is not None:
            join(profile, user)
        forget_known(request)
    except Exception as error:  # noqa: BLE001 - a door: the shopper signs in whatever happens here
        log_error(logger, error, "The history of a visitor did not join their account.")


def join(profile: Profile, user: Any) -> Profile:
    """Move the last :data:`JOIN_DAYS` of an anonymous profile to the user's, and erase the rest.

    The anonymous profile is deleted, so that its cookie names nobody any more. An account without a
    profile gets one: the consent was given on this device.
    """
    using = partitions.alias()
    with transaction.atomic(using=using):
        # An erasure, or a login of another device with the same cookie, comes before or after.
        anonymous = Profile.objects.using(using).select_for_update().filter(pk=profile.pk).first()
        account, _made = Profile.objects.using(using).get_or_create(
            user=user,
            defaults={
                "consented_at": profile.consented_at,
                "personal": profile.personal,
                "reasons": profile.reasons,
            },
        )
        if anonymous is None:
            return account
        with connections[using].cursor() as cursor:
            cursor.execute(
                "UPDATE similarity_event SET profile_id = %s WHERE profile_id = %s AND at >= %s",
                [account.pk, anonymous.pk, times.now() - timedelta(days=JOIN_DAYS)],
            )
        erase(anonymous)
    return account
