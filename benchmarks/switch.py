"""Measure version switches under load: requests, errors, latencies and duration.

    python benchmarks/switch.py                          # 5,000 products, 20 switches
    python benchmarks/switch.py --products 100000 --indexes

The benchmark's own database has two versions of random vectors, of 256 and of 384 numbers. gunicorn
serves the demo shop, shoppers request the endpoint and product pages without pause, and every
answer is compared with the answers of both versions. With ``--indexes``, the HNSW indexes are built
too. Answers are then not exact, so they are only counted.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.processes import free_port, own_servers, process, site_command, wait_for_site

SETTINGS = "benchmarks.small_shop_settings"


def build(products: int, asked: int, indexes_too: bool) -> tuple[Any, Any, dict[int, str]]:
    """Return (the live version, a ready version, product → its page for ``asked`` products)."""
    from django.core.management import call_command

    from benchmarks import clustered
    from shop.models import Product
    from similarity.models import EncoderVersion, ProductVectors
    from similarity.vectors import indexes

    call_command("migrate", verbosity=0)
    live = clustered.build(products, 256, 1)
    ready = EncoderVersion.objects.create(
        status="ready", encoders={}, fusion=b"", weights={}, dimensions={"fused": 384}
    )
    shapes = clustered.Shapes(products, 384, 2)
    shapes.category = clustered.Shapes(products, 256, 1).category
    stored = ProductVectors.objects.of_version(live).order_by("product")
    clustered.copy_vectors(ready, shapes, list(stored.values_list("category", flat=True)))
    if indexes_too:
        for version in (live, ready):
            indexes.create_indexes(version)
    spread = Product.objects.available().order_by("pk")[:: max(1, products // asked)]
    return live, ready, {product.pk: product.get_absolute_url() for product in spread}


def expected(versions: Sequence[Any], keys: Sequence[int], limit: int) -> dict[int, dict[int, Any]]:
    """Return version → product → its answer, with each version live for a moment."""
    from similarity.similar.shelves import similar_to
    from similarity.versions import lifecycle as life

    answers = {}
    for version in versions:
        life.promote(version, force=True)
        answers[version.pk] = {
            key: [int(hit.key) for hit in similar_to(key, limit)] for key in keys
        }
    life.rollback(force=True)
    return answers


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=int, default=5_000, help="catalogue size (5000)")
    parser.add_argument("--switches", type=int, default=20, help="promotions and rollbacks (20)")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two (1)")
    parser.add_argument("--shoppers", type=int, default=4, help="connections that ask (4)")
    parser.add_argument("--asked", type=int, default=100, help="products they ask about (100)")
    parser.add_argument("--indexes", action="store_true", help="build HNSW indexes as well")
    options = parser.parse_args()
    with own_servers(SETTINGS) as folder:
        import django

        django.setup()
        run(options, folder / "gunicorn.log")


def run(options: argparse.Namespace, log: Any) -> None:
    from benchmarks.machine import machine
    from benchmarks.switch_load import LIMIT, Shoppers, faults
    from similarity.versions import lifecycle

    live, ready, pages = build(options.products, options.asked, options.indexes)
    answers = expected((live, ready), list(pages), LIMIT)
    port, moments = free_port(), []
    with process(site_command(port, 2, 4), log, DJANGO_SETTINGS_MODULE=SETTINGS):
        wait_for_site(port, log)
        with Shoppers(port, pages, options.shoppers) as shoppers:
            for turn in range(options.switches):
                time.sleep(options.every)
                began = time.monotonic()
                _switch(lifecycle, ready, turn)
                moments.append((began, time.monotonic()))
            time.sleep(options.every)
    wrong = faults(shoppers, None if options.indexes else answers)
    print(f"{options.products} products, vectors of 256 and of 384 numbers; {machine()}\n")
    report(shoppers.answers, moments)
    print(f"\n{len(shoppers.answers)} requests, {len(wrong)} wrong or failed.")
    for line in wrong[:10]:
        print(f"  {line}")
    sys.exit(bool(wrong))


def _switch(versions: Any, ready: Any, turn: int) -> None:
    """Switch by force, because vectors without an encoder do not pass the gate."""
    if turn % 2:
        versions.rollback(force=True)
    else:
        versions.promote(ready, force=True)


def report(answers: Sequence[Any], moments: Sequence[tuple[float, float]]) -> None:
    """Print latencies before, during and after switches, and the duration of switches."""
    near_s = 0.2
    phases: dict[str, Callable[[float, float], bool]] = {
        f"{near_s} s before a switch": lambda at, took: _near(moments, at, -near_s, 0),
        "while one goes on": lambda at, took: any(
            at < end and at + took > begin for begin, end in moments
        ),
        f"{near_s} s after": lambda at, took: any(end <= at < end + near_s for _, end in moments),
        "all": lambda at, took: True,
    }
    print("| requests | number | p50 ms | p99 ms | slowest ms |")
    print("| --- | --- | --- | --- | --- |")
    for kind in ("api", "page"):
        for name, within in phases.items():
            took = [
                1000 * one.took_s
                for one in answers
                if one.kind == kind and within(one.at, one.took_s)
            ]
            if took:
                p50, p99 = np.percentile(took, [50, 99])
                print(f"| {kind}, {name} | {len(took)} | {p50:.1f} | {p99:.1f} | {max(took):.1f} |")
    print("\n| switch | p50 ms | slowest ms |")
    print("| --- | --- | --- |")
    for name, some in (("promote --force", moments[::2]), ("rollback", moments[1::2])):
        took = [1000 * (end - begin) for begin, end in some]
        if took:
            print(f"| {name} | {np.median(took):.1f} | {max(took):.1f} |")


def _near(moments: Sequence[tuple[float, float]], at: float, first: float, last: float) -> bool:
    return any(first <= at - begin < last for begin, _ in moments)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    main()
