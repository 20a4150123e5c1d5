"""Measure the cost of saves with the plugin, and the delay until a saved product is found.

Starts PostgreSQL, Valkey and a worker with the real text encoder in a temporary folder, and ends
them. A name runs only that part:

    python benchmarks/save.py
    python benchmarks/save.py cost searchable --seconds 60

- cost: ``product.save()`` in processes that take turns and differ in the follow-up: no plugin; the
  plugin with a broker that answers, without a broker, with a broker that never answers, and with
  triggers (``SIMILARITY["CAPTURE"]``) instead of signals; and a Celery task per save by
  ``delay_on_commit``, as in shops without an outbox.
- searchable: 5 saves a second with new words; the time until document and vectors contain them.
- unchanged: products saved again without changes, 1,000 a second, with a worker that must not run a
  model; then as many as there are at once.
- stock: 2,000 products sold out by one UPDATE, beside a copy of the table without references to it.
- bulk: 10,000 saves in one transaction.
"""

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import processor
from benchmarks.processes import own_servers, process, worker_command
from benchmarks.save_cost import bulk, cost, percentile
from benchmarks.small_shop import build

PARTS = ("cost", "searchable", "unchanged", "stock", "bulk")
RATE = 1000  # unchanged products a second
FLIPPED, FLIPS = 2000, 9


def searchable(keys: list[int], rate: float, seconds: float) -> None:
    """Measure times from the start of a save until its words and its vectors are stored."""
    from django.db import connection

    from shop.models import Product

    waiting: dict[int, tuple[str, float]] = {}
    taken: list[float] = []

    def look() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT d.product_id, d.title FROM similarity_searchdocument d "
                "JOIN similarity_productvectors v USING (product_id) "
                "WHERE d.product_id = ANY(%s) AND v.text IS NOT NULL "
                "AND v.encoded_at > to_timestamp(%s)",
                [list(waiting), oldest()],
            )
            now = time.time()
            for key, title in cursor.fetchall():
                if key in waiting and title.endswith(waiting[key][0]):
                    taken.append(now - waiting.pop(key)[1])

    def oldest() -> float:
        return min(at for _mark, at in waiting.values())

    start = time.time()
    products = list(Product.objects.filter(pk__in=keys[: int(rate * seconds)]))
    for number, product in enumerate(products):
        while time.time() < start + number / rate:
            if waiting:
                look()
            time.sleep(0.005)
        product.name = f"{product.name} saved{number}"
        waiting[product.pk] = (f"saved{number}", time.time())
        product.save()
    until = time.time() + 60
    while waiting and time.time() < until:
        look()
        time.sleep(0.005)
    print(
        f"\nSave → searchable at {rate:g} saves/s, real text encoder: {len(taken)} saves, ", end=""
    )
    print(f"{len(waiting)} not within 60 s;", end=" ")
    shares = [f"p{100 * share:.0f} {percentile(taken, share):.2f} s" for share in (0.5, 0.95, 0.99)]
    print(", ".join(shares), flush=True)


def unchanged(log: Path, keys: list[int], seconds: float) -> None:
    from similarity.outbox import draining

    before = embedded()
    backlog = [0]
    start = time.monotonic()
    chunk = RATE // 10
    for turn in range(int(10 * seconds)):
        time.sleep(max(0.0, start + turn / 10 - time.monotonic()))
        first = turn * chunk % len(keys)
        draining.enqueue((keys + keys)[first : first + chunk])
        backlog.append(draining.counts().waiting)
    sent_s = time.monotonic() - start
    behind_s = until_empty(log)
    print(
        f"\nUnchanged products saved again, {RATE}/s for {sent_s:.0f} s: most that waited ", end=""
    )
    print(f"{max(backlog)}, the worker was done {behind_s:.2f} s after the last;", end=" ")
    start = time.monotonic()
    draining.enqueue(keys)
    until_empty(log)
    took = time.monotonic() - start
    print(f"{len(keys)} at once: {len(keys) / took:.0f}/s.", end=" ")
    print(f"Products embedded anew: {len(embedded() ^ before)}", flush=True)


def embedded() -> set[tuple[Any, Any]]:
    from similarity.models import ProductVectors

    return set(ProductVectors.objects.values_list("product_id", "encoded_at"))


def until_empty(log: Path) -> float:
    """Return seconds until the worker has an empty outbox."""
    from similarity.models import PendingProduct

    start = time.monotonic()
    while PendingProduct.objects.exists():
        if time.monotonic() - start > 120:
            sys.exit(f"The worker did not empty the outbox:\n{log.read_text()[-2000:]}")
        time.sleep(0.01)
    return time.monotonic() - start


def stock(folder: Path, keys: list[int]) -> None:
    """Print medians of UPDATEs that sell products out and restock them, in turns on both tables."""
    from django.db import connection

    from shop.models import Product

    table = Product._meta.db_table
    times: dict[str, list[float]] = {table: [], "benchmark_twin": []}
    with connection.cursor() as cursor:
        make_twin(cursor, table)
        for turn in range(2 * FLIPS):
            for name in times:
                started = time.perf_counter()
                cursor.execute(
                    f"UPDATE {name} SET stock = %s WHERE id = ANY(%s)",  # noqa: S608
                    [turn % 2 * 5, keys[:FLIPPED]],
                )
                times[name].append(1000 * (time.perf_counter() - started))
        cursor.execute("DROP TABLE benchmark_twin")
    ours, twin = (percentile(times[name][2:], 0.5) for name in times)
    print(f"\nStock of {FLIPPED} products by UPDATE: {ours:.1f} ms, twin {twin:.1f} ms, ", end="")
    print(f"ratio {ours / twin:.2f}", flush=True)


def make_twin(cursor: Any, table: str) -> None:
    """Copy the table with its rows, indexes and own foreign keys, without references to it."""
    cursor.execute(f"CREATE TABLE benchmark_twin (LIKE {table} INCLUDING ALL)")
    cursor.execute(f"INSERT INTO benchmark_twin SELECT * FROM {table} ORDER BY id")  # noqa: S608
    cursor.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = %s::regclass AND contype = 'f'",
        [table],
    )
    for (definition,) in cursor.fetchall():
        cursor.execute(f"ALTER TABLE benchmark_twin ADD {definition}")
    cursor.execute(f"CLUSTER {table} USING {table}_pkey")  # both as new, in the same order
    cursor.execute(f"VACUUM ANALYZE {table}")
    cursor.execute("VACUUM ANALYZE benchmark_twin")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all of them")
    parser.add_argument("--seconds", type=float, default=30, help="of searchable (30)")
    parser.add_argument("--rate", type=float, default=5, help="saves a second there (5)")
    parser.add_argument("--products", type=int, default=2000, help="catalogue size (2000)")
    options = parser.parse_args()
    parts = options.parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    with own_servers("benchmarks.small_shop_settings") as folder:
        working = {"searchable", "unchanged"} & set(parts)
        keys = build(options.products, embed=bool(working))
        print(f"{processor()}; {options.products} products", flush=True)
        for part in (cost, stock, bulk):
            if part.__name__ in parts:
                part(folder, keys)
        if working:
            with_worker(folder, keys, parts, options)


def with_worker(
    folder: Path, keys: list[int], parts: Iterable[str], options: argparse.Namespace
) -> None:
    log = folder / "worker.log"
    from similarity.outbox import draining

    with process(worker_command("similarity"), log):
        draining.enqueue(keys[-1:], force=True)
        until_empty(log)  # its network is loaded
        if "searchable" in parts:
            searchable(keys, options.rate, options.seconds)
        if "unchanged" in parts:
            until_empty(log)
            unchanged(log, keys, 10)


if __name__ == "__main__":
    main()
