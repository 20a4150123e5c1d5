"""The Celery app of a chaos run."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.chaos_host.settings")

app = Celery("chaos_host")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
