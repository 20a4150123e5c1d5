"""Save products on command, as a process for ``benchmarks/save.py``.

The argument is the follow-up of a save (``nothing``, ``similarity``, ``delay``). Each input line is
a mode and keys: ``alone``, each ``inside`` a transaction, or all ``together`` in one transaction.
The answer is a line of JSON: milliseconds of each save (or of all ``together``), and the number of
saves that raised.
"""

import json
import sys
import time

import django

django.setup()

from celery import shared_task  # noqa: E402
from django.db import transaction  # noqa: E402
from django.db.models.signals import post_save, pre_save  # noqa: E402

from shop.models import Product  # noqa: E402


@shared_task(name="benchmark.embed_one")
def embed_one(key: str) -> None:
    """Embed a product, as a worker of a plugin without an outbox would."""


def delay(sender: type, instance: Product, **kwargs: object) -> None:
    embed_one.delay_on_commit(str(instance.pk))


def follow(what: str) -> None:
    if what != "similarity":
        for signal, name in ((pre_save, "product_saving"), (post_save, "row_saved")):
            uid = f"similarity.{name}.{Product._meta.label}"
            if not signal.disconnect(sender=Product, dispatch_uid=uid):
                sys.exit(f"No receiver is connected as {uid}.")
        if any(signal.has_listeners(Product) for signal in (pre_save, post_save)):
            sys.exit("Something else follows a save of a product.")
    if what == "delay":
        post_save.connect(delay, sender=Product)


def change(product: Product) -> None:
    """Change a product so that it is embedded again.

    Without triggers, a worker checks every save.
    """
    product.price = (product.price + 1) % 500
    product.description = f"For every day, made to last. Price {product.price}."


def save(products: list[Product], how: str) -> dict[str, object]:
    if how == "together":
        started = time.perf_counter()
        with transaction.atomic():
            for product in products:
                change(product)
                product.save()
        return {"times": [1000 * (time.perf_counter() - started)], "raised": 0}
    times, raised = [], 0
    for product in products:
        change(product)
        started = time.perf_counter()
        try:
            if how == "alone":
                product.save()
            else:
                with transaction.atomic():
                    product.save()
        except Exception as error:  # noqa: BLE001 - counted, and printed to stderr
            raised += 1
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        times.append(1000 * (time.perf_counter() - started))
    return {"times": times, "raised": raised}


def main() -> None:
    follow(sys.argv[1])
    products = {product.pk: product for product in Product.objects.order_by("pk")[:2000]}
    for line in sys.stdin:
        how, *keys = line.split()
        answer = save([products[int(key)] for key in keys], how)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
