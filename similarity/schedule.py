"""Celery beat's schedule, composed from the installed apps."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import AppConfig

NAME = "similarity"

#: Task → (seconds or crontab, options), as in ``AppConfig.beat`` of each app.
Schedule = Mapping[str, tuple[Any, Mapping[str, Any]]]


def beat_schedule(
    installed_apps: Sequence[str], similarity: Mapping[str, Any] | None = None
) -> dict[str, dict[str, Any]]:
    """Return the entries for ``CELERY_BEAT_SCHEDULE``.

    ``installed_apps`` is ``INSTALLED_APPS`` and ``similarity`` the ``SIMILARITY`` dict, which
    holds the queue. Both are passed because the calling settings are still being read.
    """
    queue = (similarity or {}).get("WORKERS", {}).get("QUEUE", NAME)
    schedule: dict[str, dict[str, Any]] = {}
    for entry in installed_apps:
        if entry == NAME or entry.startswith(f"{NAME}."):
            config = AppConfig.create(entry)
            for task, (when, options) in getattr(config, "beat", {}).items():
                name = f"{NAME}-{task.replace('_', '-')}"
                task_name = f"{NAME}.{task}"
                schedule[name] = {
                    "task": task_name,
                    "schedule": when,
                    "options": {"queue": queue, **options},
                }
    return schedule
