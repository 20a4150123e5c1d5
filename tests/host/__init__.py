"""A small shop that the plugin is tested in: a handful of models and pages, and no seed."""

from tests.host.celery import app as celery

__all__ = ["celery"]
