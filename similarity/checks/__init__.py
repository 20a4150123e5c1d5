"""System checks: every misconfiguration of the plugin has an id and a remedy.

``python manage.py check`` runs the checks that need no connection. ``check --database default``
and ``migrate`` also run those of ``database.py``, ``capture.py`` and ``content.py``. The ids are
listed in docs/settings.md.
"""

import traceback
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from django.core import checks

from similarity.checks.capture import check_capture
from similarity.checks.catalog import check_catalog
from similarity.checks.celery import check_celery
from similarity.checks.content import check_content
from similarity.checks.database import check_aliases, check_database
from similarity.checks.doors import check_cache_values, check_doors
from similarity.checks.encoders import check_encoders
from similarity.checks.settings import check_settings

Check = Callable[..., list[checks.CheckMessage]]


def register_all() -> None:
    """Register the checks; a second call changes nothing."""
    every = (
        *(check_settings, check_catalog),
        *(check_encoders, check_aliases, check_doors, check_celery),
    )
    for check in every:
        register(check)
    register(check_cache_values, deploy=True)
    for check in (check_database, check_capture, check_content):
        register(check, database=True)


def register(check: Check, *, database: bool = False, deploy: bool = False) -> None:
    """Register a check of the core or of an optional app, wrapped by :func:`contained`."""
    tag = checks.Tags.database if database else "similarity"
    checks.register(contained(check), tag, deploy=deploy)


@cache
def contained(check: Check) -> Check:
    """Return ``check`` wrapped so that an exception becomes a message.

    Otherwise it would end migrate and runserver, which run checks.
    """

    @wraps(check)
    def run(**kwargs: Any) -> list[checks.CheckMessage]:
        try:
            return check(**kwargs)
        except Exception as error:  # noqa: BLE001 - a host's managers and models raise anything
            return [_unfinished(check.__name__, error)]

    return run


def _unfinished(name: str, error: Exception) -> checks.CheckMessage:
    frames = traceback.extract_tb(error.__traceback__)
    last = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return checks.Error(
        f"{name} of similarity cannot be finished: {type(error).__name__}: {error}",
        hint=f"It was raised{last}. Correct that, or silence similarity.E018 and report it.",
        id="similarity.E018",
    )
