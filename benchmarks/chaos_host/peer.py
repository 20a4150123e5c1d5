"""The peer: one Celery task per save, sent by ``delay_on_commit``."""

from celery import current_app, shared_task
from django.conf import settings
from django.db import OperationalError
from django.db.models.signals import post_save

from benchmarks.chaos_host.encoder import ChaosEncoder
from similarity.catalog.content import ProductContent

RETRIES = (
    {"autoretry_for": (OperationalError,), "retry_backoff": True, "max_retries": 8}
    if settings.WAY == "careful"
    else {}
)


@shared_task(name="chaos_host.embed", ignore_result=True, **RETRIES)
def embed(pk: int) -> None:
    from benchmarks.chaos_host.models import PeerVector, Product

    product = Product.objects.filter(pk=pk).first()
    if product is None:
        return
    content = ProductContent(key=str(pk), title=product.title, description=product.text)
    vector = ChaosEncoder().encode([content]).vectors[0].tolist()
    PeerVector.objects.update_or_create(
        product_id=pk, defaults={"vector": vector, "mark": product.title}
    )


def product_saved(instance, **kwargs) -> None:
    # The app's own task class has delay_on_commit; this shared task is looked up at use.
    current_app.tasks["chaos_host.embed"].delay_on_commit(instance.pk)


def connect() -> None:
    post_save.connect(product_saved, sender="chaos_host.Product", dispatch_uid="chaos_host.peer")
