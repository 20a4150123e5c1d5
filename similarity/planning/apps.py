from typing import ClassVar

from celery.schedules import crontab
from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured

from similarity.schedule import Schedule


class PlanningConfig(AppConfig):
    name = "similarity.planning"
    label = "similarity_planning"
    verbose_name = "Product similarity: planning"
    default_auto_field = "django.db.models.BigAutoField"
    beat: ClassVar[Schedule] = {
        "keep_co_demand": (crontab(day_of_week="monday", hour=5, minute=40), {}),
    }

    def ready(self) -> None:
        if not apps.is_installed("similarity.orders"):
            raise ImproperlyConfigured(
                "similarity.planning needs similarity.orders: add it to INSTALLED_APPS."
            )
