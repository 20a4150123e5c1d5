"""Shoppers who consented to be remembered, each under a random number."""

import secrets

from django.conf import settings
from django.db import models
from django.utils import timezone


def random_key() -> int:
    """Return a random number of 63 bits, which fits a ``bigint``."""
    return secrets.randbits(63)


class Profile(models.Model):
    """A shopper who consented, known by their account or by a cookie.

    A profile exists only with consent, and is deleted with all events when consent is withdrawn.
    ``id`` is random and appears in no URL, log, cache key or message.
    """

    id = models.BigIntegerField(primary_key=True, default=random_key, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        db_constraint=False,  # the migration ties it, so that raw SQL deletes the profile too
        related_name="+",
    )
    #: HMAC of the cookie's token, 64 hexadecimal digits; null for a signed-in shopper.
    pseudonym = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001
    consented_at = models.DateTimeField(default=timezone.now)
    #: False: keep events, but show no personal shelves.
    personal = models.BooleanField(default=True)
    #: False: show no reasons such as "because you looked at …", for example on a shared screen.
    reasons = models.BooleanField(default=True)

    #: Events sent since ``minute_began``, refused ones included, see ``EVENTS["PER_MINUTE"]``.
    minute_began = models.DateTimeField(null=True, editable=False)
    in_minute = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    #: True while ``similarity.events.erasure`` deletes it, and has erased all else before.
    erased = False

    class Meta:
        db_table = "similarity_profile"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=True) ^ models.Q(pseudonym__isnull=True),
                name="similarity_profile_user_or_cookie",
            )
        ]
        permissions = [("view_history", "Can see what a single shopper did")]

    def __str__(self) -> str:
        return "a signed-in shopper" if self.user_id else "an anonymous shopper"
