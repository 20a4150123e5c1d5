from typing import ClassVar

from celery.schedules import crontab
from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured

from similarity.schedule import Schedule
from similarity.shoppers import conf  # noqa: F401 - declares the settings


class ShoppersConfig(AppConfig):
    name = "similarity.shoppers"
    label = "similarity_shoppers"
    verbose_name = "Product similarity: shoppers"
    default_auto_field = "django.db.models.BigAutoField"
    beat: ClassVar[Schedule] = {
        "train_shoppers": (crontab(hour=2, minute=40), {}),
        "count_public_shelves": (crontab(hour=3, minute=40), {}),
    }

    def ready(self) -> None:
        if not apps.is_installed("similarity.events"):
            raise ImproperlyConfigured(
                "similarity.shoppers needs similarity.events: add it to INSTALLED_APPS."
            )

        from similarity.checks import register
        from similarity.extension import register_extension
        from similarity.shoppers import checks
        from similarity.shoppers.extension import ShoppersExtension

        register_extension(ShoppersExtension())
        register(checks.check_pages)
        register(checks.check_live_models, database=True)
