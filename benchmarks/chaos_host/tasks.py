"""Where Celery looks for the peer's task; the plugin brings its own."""

from django.conf import settings

if settings.WAY != "similarity":
    from benchmarks.chaos_host.peer import embed  # noqa: F401
