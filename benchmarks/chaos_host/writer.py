"""A web process of a chaos run: save products, each in a transaction, until it is ended.

``python -m benchmarks.chaos_host.writer NUMBER RATE SEED`` saves about RATE times a second. The
duration of each save and every error that reached it are lines of ``writes-NUMBER``. With one
argument, ``poison-kill`` or ``poison-segfault``, it saves one product with that title and ends.
"""

import json
import os
import random
import sys
import time
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import Error, connection, transaction  # noqa: E402

from benchmarks.chaos_host.models import Product  # noqa: E402

#: Share of saves that change a few hot products, so that writers collide.
HOT_SHARE, HOT = 0.25, 5


def write(number: int, rate: float, seed: int) -> None:
    chance = random.Random(f"{seed}-{number}-{os.getpid()}")  # noqa: S311 - no secret
    report = os.open(
        Path(settings.FOLDER) / f"writes-{number}", os.O_CREAT | os.O_WRONLY | os.O_APPEND
    )
    keys: list[int] = []
    count = 0
    while True:
        count += 1
        time.sleep(chance.expovariate(rate))
        began, error = time.time(), None
        try:
            keys = keys or list(Product.objects.order_by("pk").values_list("pk", flat=True))
            save(chance, keys, f"writer {number} process {os.getpid()} save {count}")
        except Error as problem:  # the database is away, or the product was deleted
            error = ["database", type(problem).__name__]
            keys = []
            connection.close()
        except Exception as problem:  # noqa: BLE001 - counted: it reached the shop's save
            error = ["save", f"{type(problem).__module__}.{type(problem).__name__}"]
        line = {"at": began, "took_s": time.time() - began, "error": error}
        os.write(report, (json.dumps(line) + "\n").encode())


def save(chance: random.Random, keys: list[int], title: str) -> None:
    kind = chance.random()
    with transaction.atomic():
        if kind < 0.03:
            keys.append(Product.objects.create(title=title).pk)
        elif kind < 0.04 and len(keys) > HOT:
            pk = keys.pop(chance.randrange(HOT, len(keys)))
            Product.objects.filter(pk=pk).exclude(title__contains="poison").delete()
        else:
            some = keys[:HOT] if chance.random() < HOT_SHARE else keys
            product = Product.objects.filter(pk=chance.choice(some)).first()
            if product and "poison" not in product.title:
                product.title = title
                product.save()


def save_poison(title: str) -> None:
    """Save the poison; retry until it succeeds, because a server may be away."""
    while True:
        try:
            Product.objects.get_or_create(title=title)
            return
        except Exception:  # noqa: BLE001 - like the other writers, it continues after an error
            connection.close()
            time.sleep(0.2)


def main() -> None:
    if len(sys.argv) == 2:
        save_poison(f"A product that is {sys.argv[1]}")
    else:
        write(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))


if __name__ == "__main__":
    main()
