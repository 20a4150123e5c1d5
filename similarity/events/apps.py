from typing import ClassVar

from celery.schedules import crontab
from django.apps import AppConfig

from similarity.events import conf  # noqa: F401 - declares the settings
from similarity.schedule import Schedule


class EventsConfig(AppConfig):
    name = "similarity.events"
    label = "similarity_events"
    verbose_name = "Product similarity: events"
    default_auto_field = "django.db.models.BigAutoField"
    beat: ClassVar[Schedule] = {"keep_partitions": (crontab(hour=2, minute=10), {})}

    def ready(self) -> None:
        from similarity.checks import register
        from similarity.events import bots, checks, signals
        from similarity.events.extension import EventsExtension
        from similarity.extension import register_extension

        register_extension(EventsExtension())
        register(checks.check_events)
        register(bots.check_crawlers)
        register(checks.check_cookie, deploy=True)
        register(checks.check_partitions, database=True)
        signals.connect()
