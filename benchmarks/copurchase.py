"""Measure counting of co-purchases: orders per second and peak memory, beside other libraries.

    python benchmarks/copurchase.py                       # 10k, 100k and 1M orders
    python benchmarks/copurchase.py --lines 10000000      # ten million order lines

Orders are synthetic, from a fixed seed: five lines each on average, items drawn by Zipf's law, four
orders per shopper, over two years. Each contender runs in its own process, which reads the same
orders from a file, runs once on a handful of orders, and is then timed. Its peak memory includes
the orders and the imported libraries; the row "only the orders read" shows the share of the orders.
The plugin counts the orders, scores all pairs of at least three shoppers, takes the best 20 of each
item and writes them by COPY into a temporary table of the configured PostgreSQL, which is dropped
afterwards. "every pair kept too" also writes the rows for updates of the counts. The other
contenders end with the best 20 in memory.
"""

import argparse
import atexit
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

TOP = 20
DAYS = 730
TODAY = 20_000  # days since 1970-01-01
SCHEMA = "similarity_benchmark"

Columns = dict[str, Any]  # the columns of similarity.orders.counting.engine.Baskets


def main() -> None:
    options = arguments()
    if options.child:
        print(json.dumps(measured(options.child, Path(options.orders), options.memory_mb)))
        return
    from benchmarks.processes import use_demo_servers

    use_demo_servers()
    sizes = [options.lines // options.size] if options.lines else options.baskets
    print(f"{machine_name()}\n")
    print("| orders | lines | items | contender | seconds | orders/s | CPU s | peak MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for count in sizes:
            path = Path(folder) / f"{count}.npz"
            items = options.items or max(count // 10, 100)
            made = make_orders(count, items, options.size, options.seed)
            np.savez(path, **made)
            head = f"| {count:,} | {len(made['item']):,} | {items:,} "
            del made
            for name in wanted(options, count):
                print(head + row(name, count, path, options), flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--baskets", type=int, nargs="*", default=[10_000, 100_000, 1_000_000], help="orders"
    )
    parser.add_argument("--lines", type=int, help="so many order lines instead")
    parser.add_argument("--items", type=int, help="items sold (a tenth of the orders)")
    parser.add_argument("--size", type=int, default=5, help="lines an order on average (5)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3, help="runs, the fastest counts (3)")
    parser.add_argument(
        "--memory-mb", type=int, default=512, help="memory of a full count in MiB (512)"
    )
    parser.add_argument(
        "--contenders", nargs="*", choices=list(CONTENDERS), help="only these (all)"
    )
    parser.add_argument(
        "--sql-up-to", type=int, default=100_000, help="orders the SQL self-join is given at most"
    )
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--orders", help=argparse.SUPPRESS)
    return parser.parse_args()


def machine_name() -> str:
    import django
    from django.conf import settings

    from benchmarks.machine import machine

    settings.configure(INSTALLED_APPS=[])
    django.setup()
    return machine()


def make_orders(count: int, items: int, size: int, seed: int) -> Columns:
    """Return columns of ``Baskets``, each item once per basket."""
    dice = np.random.default_rng(seed)
    lengths = np.maximum(dice.poisson(size, count), 1)
    basket = np.repeat(np.arange(count, dtype=np.int64), lengths)
    share = 1.0 / np.arange(1, items + 1)
    drawn = np.searchsorted(np.cumsum(share / share.sum()), dice.random(len(basket)))
    # Permute the numbers, so that they do not reveal popularity.
    item = dice.permutation(items)[drawn.clip(0, items - 1)]
    line = np.unique(basket * items + item)
    return {
        "basket": (line // items).astype(np.int32),
        "item": (line % items).astype(np.int32),
        "shopper": dice.integers(0, max(count // 4, 1), count),
        "day": (TODAY - dice.integers(0, DAYS, count)).astype(np.int32),
        "items": items,
    }


def wanted(options: argparse.Namespace, count: int) -> list[str]:
    names = options.contenders or list(CONTENDERS)
    return [name for name in names if name != "SQL self-join" or count <= options.sql_up_to]


def row(name: str, count: int, path: Path, options: argparse.Namespace) -> str:
    """Return the rest of a table row, from the fastest of some child processes."""
    runs = [child(name, path, options) for _ in range(options.repeat)]
    best = min(runs, key=lambda run: run["seconds"])
    rate = count / best["seconds"] if name != READ else 0
    shown = f"{rate:,.0f}" if rate else ""
    peak = min(run["peak_mb"] for run in runs)
    cpu = min(run["cpu"] for run in runs)
    return f"| {name} | {best['seconds']:.2f} | {shown} | {cpu:.2f} | {peak:.0f} |"


def child(name: str, path: Path, options: argparse.Namespace) -> dict[str, float]:
    done = subprocess.run(
        [
            *(sys.executable, str(Path(__file__).resolve())),
            *("--child", name, "--orders", str(path), "--memory-mb", str(options.memory_mb)),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measured(name: str, path: Path, memory_mb: int) -> dict[str, float]:
    """Run a contender once in the child; its imports and connections are not timed."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    with np.load(path) as file:
        columns = {key: file[key] for key in file.files}
    columns["items"] = int(columns["items"])
    prepare = CONTENDERS[name]
    prepare(make_orders(50, 20, 3, seed=0), memory_mb)()  # load late imports and caches
    run = prepare(columns, memory_mb)
    began, cpu = time.perf_counter(), time.process_time()
    run()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {"seconds": seconds, "cpu": cpu, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """Return the peak memory of this process."""
    status = Path("/proc/self/status")
    if status.exists():
        # ru_maxrss would be at least the parent's memory when it started this process.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def cursor_of_table(memory_mb: int) -> Any:
    """Return a cursor whose schema has empty tables of counts."""
    import django
    from django.conf import settings

    django.setup()
    orders = {**settings.SIMILARITY.get("ORDERS", {}), "MIN_SHOPPERS": 3}
    settings.SIMILARITY = {**settings.SIMILARITY, "ORDERS": orders}
    from django.db import connection

    from similarity.orders.counting import engine, scores
    from similarity.orders.models import PairCounts, ProductPartners

    engine.MEMORY_MB = memory_mb
    scores.MAX_PARTNERS = TOP
    cursor = connection.cursor()
    cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    cursor.execute(f"CREATE SCHEMA {SCHEMA}")
    cursor.execute(f"SET search_path TO {SCHEMA}, public")
    with connection.schema_editor() as editor:
        editor.create_model(ProductPartners)
        editor.create_model(PairCounts)
    atexit.register(cursor.execute, f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    return cursor


def ours(columns: Columns, memory_mb: int, *, upkeep: bool = False) -> Callable[[], None]:
    cursor = cursor_of_table(memory_mb)
    from django.db import transaction

    from similarity.orders.counting import ranking, storage
    from similarity.orders.counting.engine import Baskets, CountingRule
    from similarity.orders.counting.local import LocalEngine

    rule = CountingRule(TODAY, half_life_days=180.0, max_basket=100, window_days=DAYS)
    nothing = np.empty(0, np.int64)
    release = ranking.Release(ranking.Released({}, nothing, nothing), ())

    def run() -> None:
        with transaction.atomic():
            counts = LocalEngine().count(Baskets(**columns), rule)
            for block in counts.pairs():
                if upkeep:
                    storage.copy_pairs(cursor, block)
                release.write(block, counts.items, counts.total_weight, cursor)

    return run


def sparse_of(columns: Columns, dtype: Any = np.float64) -> Any:
    from scipy import sparse

    shape = (len(columns["day"]), columns["items"])
    ones = np.ones(len(columns["item"]), dtype)
    return sparse.csr_matrix((ones, (columns["basket"], columns["item"])), shape=shape)


def implicit_cosine(columns: Columns, memory_mb: int) -> Callable[[], None]:
    from implicit.nearest_neighbours import CosineRecommender
    from implicit.utils import ParameterWarning

    def run() -> None:
        with warnings.catch_warnings():
            # The library warns about its own conversions.
            warnings.simplefilter("ignore", ParameterWarning)
            CosineRecommender(K=TOP).fit(sparse_of(columns), show_progress=False)

    return run


def rusket_knn(columns: Columns, memory_mb: int) -> Callable[[], None]:
    from rusket import ItemKNN

    def run() -> None:
        ItemKNN(method="cosine", k=TOP).fit(sparse_of(columns))

    return run


def scipy_product(columns: Columns, memory_mb: int) -> Callable[[], None]:
    """Return counts of all pairs at once, cosine, and the best 20 of each row."""
    from scipy import sparse  # noqa: F401 - its import is not timed

    def run() -> None:
        table = sparse_of(columns, np.int32)
        pairs = (table.T @ table).tocsr()
        bought = pairs.diagonal()
        first = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
        score = pairs.data / np.sqrt(bought[first] * bought[pairs.indices].astype(np.float64))
        score[first == pairs.indices] = 0
        for start, end in zip(pairs.indptr[:-1].tolist(), pairs.indptr[1:].tolist(), strict=True):
            if end - start > TOP:
                np.argpartition(-score[start:end], TOP)[:TOP]

    return run


def sql_join(columns: Columns, memory_mb: int) -> Callable[[], None]:
    """Return a self-join of order lines in PostgreSQL, counted and ranked there."""
    cursor = cursor_of_table(memory_mb)
    cursor.execute("CREATE TABLE line (basket integer, item integer)")
    with cursor.copy("COPY line FROM STDIN") as copy:
        pairs = zip(columns["basket"].tolist(), columns["item"].tolist(), strict=True)
        copy.write("".join(f"{basket}\t{item}\n" for basket, item in pairs))
    cursor.execute("CREATE INDEX ON line (basket, item)")
    cursor.execute("ANALYZE line")

    def run() -> None:
        cursor.execute(
            f"""
            CREATE TABLE best AS
            WITH bought AS (SELECT item, count(*) AS n FROM line GROUP BY item),
            pair AS (
                SELECT a.item AS first, b.item AS second, count(*) AS n
                FROM line a JOIN line b ON b.basket = a.basket AND b.item <> a.item
                GROUP BY a.item, b.item
            ),
            ranked AS (
                SELECT first, second, pair.n, row_number() OVER (
                    PARTITION BY first ORDER BY pair.n / sqrt(f.n * s.n) DESC) AS place
                FROM pair JOIN bought f ON f.item = first JOIN bought s ON s.item = second
            )
            SELECT * FROM ranked WHERE place <= {TOP}
            """  # noqa: S608 - a number of ours
        )

    return run


READ = "only the orders read"

#: Name → (orders, memory bound) → the function to time, ready to run.
CONTENDERS: dict[str, Callable[[Columns, int], Callable[[], None]]] = {
    READ: lambda columns, memory_mb: lambda: None,
    "similarity, written": ours,
    "similarity, every pair kept too": lambda columns, memory_mb: ours(
        columns, memory_mb, upkeep=True
    ),
    "implicit cosine": implicit_cosine,
    "rusket item-kNN": rusket_knn,
    "scipy product": scipy_product,
    "SQL self-join": sql_join,
}


if __name__ == "__main__":
    main()
