from typing import ClassVar

from celery.schedules import crontab
from django.apps import AppConfig

from similarity.orders import conf  # noqa: F401 - declares the settings
from similarity.schedule import Schedule


class OrdersConfig(AppConfig):
    name = "similarity.orders"
    label = "similarity_orders"
    verbose_name = "Product similarity: orders"
    default_auto_field = "django.db.models.BigAutoField"
    beat: ClassVar[Schedule] = {
        "count_orders": (30.0, {"expires": 300}),
        "count_all_orders": (crontab(hour=3, minute=10), {}),
        "propose_bundles": (crontab(hour=4, minute=10), {}),
    }

    def ready(self) -> None:
        from similarity.checks import register
        from similarity.extension import register_extension
        from similarity.orders import checks, signals
        from similarity.orders.extension import OrdersExtension

        register_extension(OrdersExtension())
        register(checks.check_orders)
        signals.connect()
