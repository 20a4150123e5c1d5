"""Days and times as the host has them, whether ``USE_TZ`` is on or off.

Without ``USE_TZ`` Django gives and takes times without a zone, in the host's ``TIME_ZONE``.
``timezone.localdate``, ``localtime``, ``make_naive`` and ``make_aware`` each raise for one of the
two kinds, so that the plugin calls none of them elsewhere.
"""

from datetime import date, datetime, time

from django.conf import settings
from django.utils import timezone


def today() -> date:
    """Return the day it is in the host's ``TIME_ZONE``."""
    return day_of(timezone.now())


def day_of(moment: datetime) -> date:
    """Return the day of a time in the host's ``TIME_ZONE``, whatever zone is active now."""
    return aware(moment).astimezone(timezone.get_default_timezone()).date()


def aware(moment: date) -> datetime:
    """Return a time with its zone; of a day its first moment."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time.min)
    if timezone.is_aware(moment):
        return moment
    return timezone.make_aware(moment, timezone.get_default_timezone())


def stored(moment: datetime) -> datetime:
    """Return a time as the host's ``DateTimeField`` takes it."""
    if settings.USE_TZ:
        return aware(moment)
    return timezone.make_naive(aware(moment), timezone.get_default_timezone())


def shown(moment: datetime) -> datetime:
    """Return a time as the reader of a page has it: in the active zone, if there are zones."""
    return timezone.localtime(aware(moment)) if settings.USE_TZ else stored(moment)
