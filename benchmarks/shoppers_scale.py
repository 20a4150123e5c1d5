"""Measure reading and training of the sequence model as events grow: seconds and peak memory.

Starts PostgreSQL in a temporary folder, and ends it:

    python benchmarks/shoppers_scale.py                        # 10k, 100k and 1M events
    python benchmarks/shoppers_scale.py --events 10000000 --steps 200

Events are synthetic: a shopper has twelve on average, and goes from a product to one near it. One
epoch is trained on one thread, at most --steps of it; a longer epoch is extrapolated, and named
as such. Reading and training run in a process of their own, whose peak memory is stated.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import processor
from benchmarks.processes import own_servers

SETTINGS = "benchmarks.small_shop_settings"
DIMENSION = 64
#: Events of a shopper on average.
EACH = 12
DAYS = 60
_EMPTY = "TRUNCATE similarity_event, similarity_profile CASCADE"
_PROFILES = """
    INSERT INTO similarity_profile (id, pseudonym, consented_at, personal, reasons)
    SELECT n, 'benchmark' || n, now(), true, true FROM generate_series(1, %(shoppers)s) AS n
"""
_EVENTS = """
    INSERT INTO similarity_event (id, at, profile_id, kind, product_id, quantity, currency, query,
        token, by_server)
    SELECT n, now() - random() * interval '60 days', shopper, 1,
        1 + mod(abs(hashint8(shopper)) + floor(50 * random() * random())::bigint, %(products)s),
        1, '', '', '', true
    FROM (
        SELECT n, 1 + floor(random() * %(shoppers)s)::bigint AS shopper
        FROM generate_series(1, %(events)s) AS n
    ) AS drawn
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--products", type=int, default=20_000, help="(20000)")
    parser.add_argument("--steps", type=int, default=500, help="most steps that are trained (500)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.steps)))
        return
    with own_servers(SETTINGS):
        import django

        django.setup()
        from django.core.management import call_command

        from benchmarks import clustered

        call_command("migrate", verbosity=0)
        clustered.build(options.products, DIMENSION, 1)
        print(f"{options.products:,} products; {processor()}\n")
        print("| events | read s | MB after it | epoch s | steps | peak MB |")
        print("| --- | --- | --- | --- | --- | --- |", flush=True)
        for events in options.events:
            print(row(events, options), flush=True)


def row(events: int, options: argparse.Namespace) -> str:
    fill(events, options.products)
    command = [sys.executable, "-W", "ignore", __file__, "--child", "--steps", str(options.steps)]
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode:
        raise SystemExit(finished.stderr)
    found = json.loads(finished.stdout.splitlines()[-1])
    epoch_s = found["train_s"] * found["steps"] / found["taken"]
    told = "" if found["steps"] == found["taken"] else f" (extrapolated from {found['taken']})"
    return (
        f"| {events:,} | {found['read_s']:.1f} | {found['read_mb']:.0f} | {epoch_s:.0f}{told} | "
        f"{found['steps']:,} | {found['peak_mb']:.0f} |"
    )


def fill(events: int, products: int) -> None:
    from datetime import timedelta

    from django.db import connection
    from django.utils import timezone

    from similarity.events import partitions

    now = timezone.now()
    partitions.create(now - timedelta(days=DAYS + 1), now, "default")
    asked = {"events": events, "products": products, "shoppers": max(events // EACH, 1)}
    with connection.cursor() as cursor:
        cursor.execute(_EMPTY)
        for statement in (_PROFILES, _EVENTS):
            cursor.execute(statement, asked)
        cursor.execute("ANALYZE")


def measure(most_steps: int) -> dict[str, Any]:
    """Read all events and train an epoch of the defaults, at most ``most_steps`` of it."""
    import django

    django.setup()
    import torch

    from similarity.shoppers.artefact import SequenceConfig
    from similarity.shoppers.reading import read_interactions
    from similarity.shoppers.training.batches import Sequences
    from similarity.shoppers.training.machines import Machines
    from similarity.shoppers.training.options import TrainingOptions
    from similarity.shoppers.training.steps import Stepper
    from similarity.shoppers.training.transformer import SequenceTransformer

    torch.set_num_threads(1)
    began = time.perf_counter()
    events = read_interactions("default").interactions
    found: dict[str, Any] = {"read_s": time.perf_counter() - began, "read_mb": peak_mb()}
    options = TrainingOptions()
    config = SequenceConfig(content_dim=events.content.shape[1])
    sequences = Sequences(events, config.length)
    model = SequenceTransformer(config, events.content)
    stepper = Stepper(model, sequences, options, Machines())
    began, taken = time.perf_counter(), 0
    for batches in stepper.batches(0):
        if taken == most_steps:
            break
        stepper.take(batches)
        taken += 1
    found |= {"train_s": time.perf_counter() - began, "taken": taken}
    return found | {"steps": sequences.steps(options.batch), "peak_mb": peak_mb()}


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
