from django.apps import AppConfig


class SimilarityConfig(AppConfig):
    name = "similarity"
    verbose_name = "Product similarity"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from similarity import checks, order_signals, signals
        from similarity.capture.triggers import keep_up_to_date

        checks.register_all()
        signals.connect()
        order_signals.connect()
        post_migrate.connect(keep_up_to_date, sender=self, dispatch_uid="similarity.triggers")
