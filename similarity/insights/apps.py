from typing import ClassVar

from celery.schedules import crontab
from django.apps import AppConfig

from similarity.schedule import Schedule


class InsightsConfig(AppConfig):
    name = "similarity.insights"
    label = "similarity_insights"
    verbose_name = "Product similarity: insights"
    default_auto_field = "django.db.models.BigAutoField"
    beat: ClassVar[Schedule] = {
        "find_duplicates": (crontab(day_of_week="sunday", hour=1, minute=10), {}),
    }
