from django.apps import AppConfig
from django.conf import settings


class ChaosHostConfig(AppConfig):
    name = "benchmarks.chaos_host"
    label = "chaos_host"

    def ready(self) -> None:
        from similarity.models import retries

        retries.BACKOFF_S = 1
        if settings.WAY != "similarity":
            from benchmarks.chaos_host import peer

            peer.connect()
