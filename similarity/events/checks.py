"""Checks of the settings of events and of their partitions."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import DatabaseError, connections

from similarity import conf
from similarity.catalog import times
from similarity.catalog.adapter import get_adapter
from similarity.events import partitions
from similarity.events.denied import denied_condition
from similarity.events.status import REMEDY
from similarity.exceptions import ConfigurationError

#: Events that are older help no model, and few privacy notices promise more than 25 months.
LONG_DAYS = 760


def check_events(**kwargs: Any) -> list[CheckMessage]:
    """Check the consent function, the retention, the deny list and the apps that are needed."""
    return [*_check_consent(), *_check_retention(), *_check_denied(), *_check_auth()]


def check_cookie(**kwargs: Any) -> list[CheckMessage]:
    """Check for ``check --deploy`` that the shopper's cookie is sent over HTTPS only."""
    if settings.SESSION_COOKIE_SECURE:
        return []
    return [
        Warning(
            "SESSION_COOKIE_SECURE is False, so a browser also sends the cookie of a shopper who "
            "consented over HTTP, where others can read it.",
            hint="Serve the shop by HTTPS and set SESSION_COOKIE_SECURE = True.",
            id="similarity.W083",
        )
    ]


def check_partitions(
    *, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that events of this month and the next have a partition."""
    alias = partitions.alias()
    if alias not in (databases or ()) or connections[alias].vendor != "postgresql":
        return []
    now = times.now()
    try:
        if not partitions.is_migrated(alias):
            return []  # similarity.W035
        lacking = partitions.missing(now, partitions.next_month(partitions.month_of(now)), alias)
    except DatabaseError:
        return []  # similarity.E032
    if not lacking:
        return []
    return [
        Warning(
            "There is no partition for events of "
            f"{' and '.join(f'{month:%Y-%m}' for month in lacking)}.",
            hint=REMEDY[0].upper() + REMEDY[1:],
            id="similarity.W084",
        )
    ]


def _check_consent() -> list[CheckMessage]:
    path = conf.get("EVENTS", "CONSENT")
    if not conf.is_text(path):
        return []  # similarity.E005
    try:
        if callable(conf.load(path)):
            return []
        fault = f"{path!r} is not a function."
    except ConfigurationError as error:
        fault = str(error)
    return [
        Error(
            f"SIMILARITY['EVENTS']['CONSENT'] cannot be called, so no event is kept: {fault}",
            hint="Name a function that takes the request and returns True or False.",
            id="similarity.E080",
        )
    ]


def _check_retention() -> list[CheckMessage]:
    days = conf.get("EVENTS", "RETENTION_DAYS")
    if not conf.is_whole(days) or days <= LONG_DAYS:
        return []  # similarity.E005 reports other values
    return [
        Warning(
            f"SIMILARITY['EVENTS']['RETENTION_DAYS'] is {days}: events of shoppers are kept for "
            "more than 25 months.",
            hint=f"Set at most {LONG_DAYS}, or silence this if the privacy notice says so.",
            id="similarity.W081",
        )
    ]


def _check_denied() -> list[CheckMessage]:
    try:
        get_adapter()
    except ConfigurationError:
        return []  # similarity.E010
    try:
        denied_condition()
    except ConfigurationError as error:
        hint = "Or empty the list; until then no event is kept."
        return [Error(str(error), hint=hint, id="similarity.E085")]
    return []


def _check_auth() -> list[CheckMessage]:
    if apps.is_installed("django.contrib.auth"):
        return []
    return [
        Error(
            "similarity.events needs accounts: a shopper's profile belongs to a user or a cookie.",
            hint="Add 'django.contrib.auth' to INSTALLED_APPS.",
            id="similarity.E082",
        )
    ]
