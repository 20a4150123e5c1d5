"""The module in which Celery finds the peer's task; the plugin has its own tasks."""

from django.conf import settings

if settings.WAY != "similarity":
    from benchmarks.chaos_host.peer import embed  # noqa: F401
