"""A small shop for the chaos runs of ``benchmarks/chaos.py``: the plugin's, or the peer's."""

from benchmarks.chaos_host.celery import app as celery_app

__all__ = ["celery_app"]
