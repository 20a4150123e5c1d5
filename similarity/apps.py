from typing import ClassVar

from celery.schedules import crontab
from django.apps import AppConfig

from similarity.schedule import Schedule


class SimilarityConfig(AppConfig):
    name = "similarity"
    verbose_name = "Product similarity"
    default_auto_field = "django.db.models.BigAutoField"
    #: Task → (when, options), for :func:`similarity.beat_schedule`. Nightly tasks have an hour,
    #: because an interval of a day starts again if beat starts without its schedule file.
    beat: ClassVar[Schedule] = {
        "drain_outbox": (30.0, {"expires": 300}),
        "reconcile": (30.0, {"expires": 30}),
        "go_on_building": (60.0, {"expires": 60}),
        "settle_inputs": (crontab(hour=2, minute=40), {}),
        "tidy_cells": (crontab(hour=4, minute=40), {}),
        "learn_floors": (crontab(hour=4, minute=50), {}),
        "drop_retired_versions": (crontab(hour=5, minute=10), {}),
    }

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from similarity import checks, signals
        from similarity.capture.triggers import keep_up_to_date

        checks.register_all()
        signals.connect()
        post_migrate.connect(keep_up_to_date, sender=self, dispatch_uid="similarity.triggers")
