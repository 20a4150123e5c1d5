"""Measure requests per second and latency of the site under load, and the cost of HTTP.

Starts PostgreSQL, Valkey, a query worker and gunicorn (workers and threads of one machine, see
docker-compose.yml) in a temporary folder, and ends them. Needs wrk (apt-get install wrk):

    python benchmarks/http_load.py
    python benchmarks/http_load.py --seconds 30 --connections 32 --products 10000

Three sites run side by side: the shop, the shop without the plugin's tags on its product page, and
the shop without a cache. A single client requests each line first, then many clients at once. The
second table alternates a request, a call of ``similar_page`` and a hand-written query.
"""

import argparse
import http.client
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import processor
from benchmarks.processes import (
    ROOT,
    free_port,
    own_servers,
    process,
    site_command,
    wait_for_site,
    wait_for_worker,
    worker_command,
)
from benchmarks.small_shop import build, words

API = "/api/similarity/v1"
SITES = ("shop", "no tags", "no cache")
LIMIT = 8
ASKED = 200  # number of products and queries in requests
PAIRS, WARM = 300, 20


class Line(NamedTuple):
    name: str
    site: str
    paths: list[str]


class Load(NamedTuple):
    """The result of a line:

    ``p50_ms`` and ``p99_ms`` of a request, ``a_second`` requests answered.
    """

    a_second: float
    p50_ms: float
    p99_ms: float
    errors: int


def lines(keys: list[int]) -> list[Line]:
    from django.urls import reverse

    from shop.models import Product
    from similarity.similar.shelf_cache import DEFAULT_TEMPLATE, ShelfArguments

    rng = random.Random(3)  # noqa: S311 - the same requests each time
    products = list(Product.objects.available().filter(pk__in=rng.sample(keys, 2 * ASKED)))[:ASKED]
    pages = [product.get_absolute_url() for product in products]
    similar = [f"{API}/products/{product.pk}/similar/" for product in products]
    shelves = [
        ShelfArguments(str(product.pk), LIMIT, "Similar", 0.0, False, DEFAULT_TEMPLATE).signed()
        for product in products
    ]
    fragments = [reverse("similarity:fragment", args=[signed]) for signed in shelves]
    queries = [words(rng).replace(" ", "+") for _ in range(ASKED)]
    return [
        Line("health/live", "shop", [f"{API}/health/live"]),
        Line("similar endpoint", "shop", similar),
        Line("similar endpoint, filtered", "shop", [f"{path}?max_price=60" for path in similar]),
        Line("lazy shelf, cached", "shop", fragments),
        Line("lazy shelf, no cache", "no cache", fragments),
        Line("product page without tags", "no tags", pages),
        Line("product page, shelves cached", "shop", pages),
        Line("product page, no cache", "no cache", pages),
        Line("search", "shop", [f"{API}/search/?q={query}" for query in queries]),
    ]


def wrk(line: Line, port: int, folder: Path, connections: int, seconds: float) -> Load:
    paths = folder / "paths.txt"
    paths.write_text("\n".join(line.paths))
    told = subprocess.run(
        [
            *("wrk", "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{max(round(seconds), 1)}s", "--timeout", "10s"),
            *("--script", str(ROOT / "benchmarks" / "http_load.lua"), f"http://127.0.0.1:{port}"),
        ],
        env={**os.environ, "PATHS": str(paths)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    numbers = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", told)
    if numbers is None:
        sys.exit(f"wrk told no result:\n{told}")
    requests, duration, p50, p99, errors = (int(number) for number in numbers.groups())
    return Load(requests / duration * 1e6, p50 / 1000, p99 / 1000, errors)


def queries_of(line: Line) -> int | str:
    """Return the queries of a request whose shelves are cached if there is a cache."""
    if line.site != "shop":
        return ""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client()
    client.get(line.paths[0])
    with CaptureQueriesContext(connection) as queries:
        client.get(line.paths[0])
    return len(queries)


def load_table(ports: dict[str, int], folder: Path, options: argparse.Namespace) -> None:
    many = options.connections
    print(f"\n| | queries | alone p50 / p99 ms | {many} at once: requests/s ", end="")
    print("| p50 / p99 ms | errors |\n| --- | --- | --- | --- | --- | --- |")
    for line in lines(options.keys):
        port = ports[line.site]
        wrk(line, port, folder, 4, 2)  # imports, connections, what can be cached
        alone = wrk(line, port, folder, 1, options.seconds / 2)
        load = wrk(line, port, folder, many, options.seconds)
        print(
            f"| {line.name} | {queries_of(line)} | {alone.p50_ms:.1f} / {alone.p99_ms:.1f} "
            f"| {load.a_second:.0f} | {load.p50_ms:.0f} / {load.p99_ms:.0f} "
            f"| {alone.errors + load.errors} |",
            flush=True,
        )


def bare_table(port: int) -> None:
    """Print the times of a request, the same call without HTTP, and a hand-written query."""
    from shop.models import Product

    keys = list(Product.objects.available().values_list("pk", flat=True)[: PAIRS + WARM])
    ways: dict[str, Callable[[int], Any]] = {
        "GET similar": by_http(port),
        "similar_page": by_call(),
        "psycopg": by_hand(),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn, key in enumerate(keys):
        for name, ask in ways.items():
            started = time.perf_counter()
            ask(key)
            if turn >= WARM:
                times[name].append(1000 * (time.perf_counter() - started))
    print("\n| one at a time | p50 ms | p95 ms | mean |\n| --- | --- | --- | --- |")
    for name, took in times.items():
        print(f"| {name} | {at(took, 0.5):.2f} | {at(took, 0.95):.2f} | {fmean(took):.2f} |")
    whole, bare = (at(times[name], 0.5) for name in ("GET similar", "similar_page"))
    print(f"\nThe whole call takes {whole:.1f} ms; 1.3 × the bare query + 3 ms: ", end="")
    print(f"{1.3 * bare + 3:.1f} ms", flush=True)


def at(values: list[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def by_http(port: int) -> Callable[[int], Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def ask(key: int) -> bytes:
        connection.request("GET", f"{API}/products/{key}/similar/?limit={LIMIT}")
        return connection.getresponse().read()

    return ask


def by_call() -> Callable[[int], Any]:
    from similarity.catalog.adapter import get_adapter
    from similarity.similar.shelves import similar_page

    adapter = get_adapter()
    return lambda key: similar_page(key, LIMIT, within=adapter.for_display(adapter.eligible()))


def by_hand() -> Callable[[int], Any]:
    """Return the nearest-neighbour query among products on sale, without loading products and
    photos.
    """
    from django.db import connection

    from similarity.models import EncoderVersion

    live = EncoderVersion.objects.live()
    dimension = live.dimensions["fused"]
    statement = (
        "SELECT product.* FROM similarity_productvectors v "  # noqa: S608 - numbers of our own
        "JOIN shop_product product ON product.id = v.product_id "
        f"WHERE v.version_id = {live.pk} AND product.is_active AND product.stock > 0 "
        "AND v.product_id <> %(key)s "
        f"ORDER BY v.fused::halfvec({dimension}) <=> (SELECT fused::halfvec({dimension}) "
        f"FROM similarity_productvectors WHERE version_id = {live.pk} "
        f"AND product_id = %(key)s) LIMIT {LIMIT}"
    )

    def ask(key: int) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(statement, {"key": key})
            return cursor.fetchall()

    return ask


def without_tags(page: str) -> str:
    """Return the template of the product page without the plugin's tags."""
    return re.sub(r"{% (bought_together|bundle_offers|similar_products) [^%]*%}", "", page)


@contextmanager
def sites(folder: Path, options: argparse.Namespace) -> Iterator[dict[str, int]]:
    """Start the sites and the worker for search; yield site → port."""
    (folder / "templates" / "shop").mkdir(parents=True)
    page = (ROOT / "templates" / "shop" / "product.html").read_text()
    (folder / "templates" / "shop" / "product.html").write_text(without_tags(page))
    environments = {
        "shop": {},
        "no tags": {"BENCHMARK_TEMPLATES": str(folder / "templates")},
        "no cache": {"BENCHMARK_CACHE": "off"},
    }
    ports = {name: free_port() for name in SITES}
    (folder / "static").mkdir()  # WhiteNoise warns about a missing folder
    with ExitStack() as stack:
        for name, port in ports.items():
            log = folder / f"{name.replace(' ', '-')}.log"
            command = site_command(port, options.workers, options.threads)
            stack.enter_context(process(command, log, **environments[name]))
            wait_for_site(port, log)
        log = folder / "queries.log"
        stack.enter_context(process(worker_command("similarity.queries"), log))
        wait_for_worker(log)
        yield ports


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=int, default=2000, help="catalogue size (2000)")
    parser.add_argument("--seconds", type=float, default=8, help="of each line (8)")
    parser.add_argument("--connections", type=int, default=16, help="at once (16)")
    parser.add_argument("--workers", type=int, default=2, help="gunicorn's processes (2)")
    parser.add_argument("--threads", type=int, default=4, help="of each of them (4)")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed: apt-get install wrk")
    with own_servers("benchmarks.small_shop_settings") as folder:
        options.keys = build(options.products)
        print(f"{processor()}; {options.products} products, gunicorn {options.workers} × ", end="")
        print(f"{options.threads} threads, wrk on the same machine", flush=True)
        with sites(folder, options) as ports:
            load_table(ports, folder, options)
            bare_table(ports["shop"])


if __name__ == "__main__":
    main()
