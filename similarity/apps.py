from django.apps import AppConfig


class SimilarityConfig(AppConfig):
    name = "similarity"
    verbose_name = "Product similarity"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from similarity import checks, order_signals, signals

        checks.register_all()
        signals.connect()
        order_signals.connect()
