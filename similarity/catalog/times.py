"""Days and times in the host's form, with ``USE_TZ`` on or off.

Without ``USE_TZ`` Django returns and accepts times without a zone, in the host's ``TIME_ZONE``.
``timezone.localdate``, ``localtime``, ``make_naive`` and ``make_aware`` each raise for one of the
two kinds. So only this module calls them.
"""

from datetime import date, datetime, time

from django.conf import settings
from django.utils import timezone


def now() -> datetime:
    """Return the current time with its zone."""
    return aware(timezone.now())


def today() -> date:
    """Return the current day in the host's ``TIME_ZONE``."""
    return day_of(timezone.now())


def day_of(moment: datetime) -> date:
    """Return the day of a time in the host's ``TIME_ZONE``, whatever zone is active now."""
    return aware(moment).astimezone(timezone.get_default_timezone()).date()


def aware(moment: date) -> datetime:
    """Return a time with its zone; for a day its first moment."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time.min)
    if timezone.is_aware(moment):
        return moment
    return timezone.make_aware(moment, timezone.get_default_timezone())


def stored(moment: datetime) -> datetime:
    """Return a time in the form that the host's ``DateTimeField`` stores."""
    if settings.USE_TZ:
        return aware(moment)
    return timezone.make_naive(aware(moment), timezone.get_default_timezone())


def shown(moment: datetime) -> datetime:
    """Return a time for the reader of a page: in the active zone if ``USE_TZ`` is on."""
    return timezone.localtime(aware(moment)) if settings.USE_TZ else stored(moment)
