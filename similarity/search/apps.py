from typing import ClassVar

from celery.schedules import crontab
from django.apps import AppConfig

from similarity.schedule import Schedule
from similarity.search import conf  # noqa: F401 - declares the settings


class SearchConfig(AppConfig):
    name = "similarity.search"
    label = "similarity_search"
    verbose_name = "Product similarity: search"
    default_auto_field = "django.db.models.BigAutoField"
    beat: ClassVar[Schedule] = {
        "count_words": (crontab(hour=3, minute=40), {}),
        "learn_query_floors": (crontab(hour=4, minute=0), {}),
        "prepare_hot_queries": (3600.0, {"expires": 3600}),
    }

    def ready(self) -> None:
        from similarity.checks import register
        from similarity.extension import register_extension
        from similarity.search import checks
        from similarity.search.extension import SearchExtension

        register_extension(SearchExtension())
        register(checks.check_search, database=True)
