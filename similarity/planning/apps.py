from typing import ClassVar

from celery.schedules import crontab
from django.apps import AppConfig

from similarity.schedule import Schedule


class PlanningConfig(AppConfig):
    name = "similarity.planning"
    label = "similarity_planning"
    verbose_name = "Product similarity: planning"
    default_auto_field = "django.db.models.BigAutoField"
    beat: ClassVar[Schedule] = {
        "keep_co_demand": (crontab(day_of_week="monday", hour=5, minute=40), {}),
    }
