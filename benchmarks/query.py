"""Measure time, recall and short answers of vector queries under live filters, and of peers.

    python benchmarks/query.py                              # 10,000 products
    python benchmarks/query.py --products 10000 100000 1000000

Each catalogue (``benchmarks/clustered.py``) is built once in its own database, with its HNSW index,
the index of the peers and its cells, and stays for the next run. Filters keep a share of the
products: scattered over the whole catalogue by price, or in categories other than the query's
("far"). Every line asks for 24 neighbours of the same products.

``similar_to`` is the whole call with loaded products. ``candidates`` is its vector query with the
choice of plan. ``bare psycopg`` is the same SQL without the plugin's code around it. ``plain
pgvector`` is a hand-written query with HNSW and ``relaxed_order``. faiss searches its own memory
with a bitmap of passing products that was built before and never changes. Before measuring,
``pg_prewarm`` reads tables and indexes into PostgreSQL's memory. Recall counts results that are as
near as the true neighbours. "short" answers have fewer rows than exist. The first query under a
filter also judges the filter; "first" is its time.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

from benchmarks.processes import use_demo_servers

use_demo_servers()

import django  # noqa: E402

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.db.models import QuerySet  # noqa: E402

from benchmarks import clustered  # noqa: E402
from benchmarks.faiss_peer import FaissPeer  # noqa: E402
from benchmarks.machine import processor  # noqa: E402
from shop.models import Category, Product  # noqa: E402
from similarity.cells import upkeep as indexing_cells  # noqa: E402
from similarity.models import EncoderVersion, ProductVectors, VectorCells  # noqa: E402
from similarity.models.stored_vectors import read_vectors, vector_literal  # noqa: E402
from similarity.similar import candidates, trace  # noqa: E402
from similarity.similar.plans import VectorSearch  # noqa: E402
from similarity.similar.shelves import (  # noqa: E402
    live_version,
    similar_to,
)
from similarity.similar.within import Within  # noqa: E402

K = 24
TABLE = ProductVectors._meta.db_table
PRODUCTS = Product._meta.db_table
#: Half-precision rounding changes a similarity by less.
ROUNDING = 2e-4

Run = Callable[[int], list[int]]


class Filter(NamedTuple):
    """A filter; ``passes`` are the products it keeps, as a queryset, as SQL and as a mask (N,)."""

    name: str
    far: bool
    passes: QuerySet[Any]
    sql: str
    mask: npt.NDArray[np.bool_]


class Catalogue:
    """The data of a catalogue that the true answers need, in memory: row n is product n + 1."""

    def __init__(self, version: EncoderVersion, queries: int, seed: int) -> None:
        self.version = version
        self.vectors = clustered.stored_vectors(version)
        values = list(Product.objects.order_by("pk").values_list("price", "category_id"))
        self.prices = np.array([float(price) for price, _category in values])
        self.categories = np.array([category for _price, category in values])
        self.parents = dict(Category.objects.values_list("pk", "parent_id"))
        dice = np.random.default_rng(seed)
        self.keys = [int(key) + 1 for key in dice.choice(len(values), queries, replace=False)]
        self.likeness = np.empty((queries, len(values)), dtype=np.float32)
        self.look()

    def look(self) -> None:
        """Compute the similarity of every product to each query, by the current vectors."""
        own = np.array(self.keys) - 1
        rows = self.vectors[own].astype(np.float32)
        for start in range(0, len(self.vectors), 50_000):
            piece = self.vectors[start : start + 50_000].astype(np.float32)
            self.likeness[:, start : start + 50_000] = rows @ piece.T
        self.likeness[np.arange(len(own)), own] = -np.inf

    def filters(self) -> Iterator[Filter]:
        """Yield scattered and far filters, from the widest to a single product."""
        for share in (1.0, 0.5, 0.05, 0.005, 0.0005):
            yield self._by_price(f"{share:.2%}", 1000 * share + (share == 1))
        one = int(np.argsort(self.prices)[len(self.prices) // 2]) + 1
        yield self._filter("one product", False, f"p.id = {one}", Product.objects.filter(pk=one))
        sizes = np.bincount(self.categories)
        by_size = [int(key) for key in np.argsort(-sizes) if sizes[key]]
        department = self.parents[by_size[0]]
        yield self._filter(
            "half, a department",
            True,
            f"category_id IN (SELECT id FROM shop_category WHERE parent_id = {department})",  # noqa: S608
            Product.objects.filter(category__parent_id=department),
        )
        for place, note in ((0, "5 %"), (22, "0.5 %"), (len(by_size) - 1, "0.1 %")):
            key = by_size[place]
            yield self._filter(
                f"about {note}, a category",
                True,
                f"category_id = {key}",
                Product.objects.filter(category_id=key),
            )

    def outside(self, found: Filter) -> list[int]:
        """Return positions of the queries for a filter; for a far filter, only outside queries."""
        return [at for at, key in enumerate(self.keys) if not (found.far and found.mask[key - 1])]

    def _by_price(self, name: str, below: float) -> Filter:
        passes = Product.objects.filter(price__lt=below)
        return self._filter(f"{name}, scattered", False, f"price < {below}", passes)

    def _filter(self, name: str, far: bool, sql: str, passes: QuerySet[Any]) -> Filter:
        live = passes.available()  # type: ignore[attr-defined]
        mask = np.zeros(len(self.prices), dtype=bool)
        mask[np.fromiter(live.order_by().values_list("pk", flat=True), dtype=np.int64) - 1] = True
        return Filter(name, far, live, f"is_active AND stock > 0 AND {sql}", mask)


def ours(catalogue: Catalogue, kept: Filter) -> Run:
    return lambda key: [int(hit.key) for hit in similar_to(key, K, within=kept.passes)]


def search_for(catalogue: Catalogue, kept: Filter, key: int) -> VectorSearch:
    version: Any = live_version("default")
    vector: Any = read_vectors(version, [key], ("fused",), "default")[key].vectors["fused"]
    return VectorSearch(version, "fused", vector, Within(kept.passes), source=key, exclude=[key])


def vector_query(catalogue: Catalogue, kept: Filter) -> Run:
    return lambda key: [one.key for one in candidates.nearest(search_for(catalogue, kept, key), K)]


def bare(catalogue: Catalogue, kept: Filter) -> Run:
    """Return a run that sends the same SQL statement again by the driver only."""
    statements: dict[int, tuple[str, Any]] = {}

    def remember(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        last.append((sql, params))
        return execute(sql, params, many, context)

    last: list[tuple[str, Any]] = []
    for key in catalogue.keys:
        last.clear()
        with connection.execute_wrapper(remember):
            candidates.nearest(search_for(catalogue, kept, key), K)
        asked = [
            one for one in last if "similarity_candidate" in one[0] and "array_agg" not in one[0]
        ]
        statements[key] = asked[-1]

    def run(key: int) -> list[int]:
        with connection.connection.cursor() as cursor:
            cursor.execute(*statements[key])
            while cursor.nextset():  # skip the result of each setting
                pass
            return [row[0] for row in cursor.fetchall()][:K]

    return run


def plain(catalogue: Catalogue, kept: Filter) -> Run:
    """Return a run of the hand-written query; the planner chooses the plan."""
    dimension = catalogue.version.dimensions["fused"]
    connection.cursor().execute("SET hnsw.iterative_scan = relaxed_order")

    def run(key: int) -> list[int]:
        vector = read_vectors(catalogue.version, [key], ("fused",), "default")[key].vectors["fused"]
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT v.product_id FROM {TABLE} v JOIN {PRODUCTS} p ON p.id = v.product_id "  # noqa: S608
                f"WHERE v.version_id = {catalogue.version.pk} AND {kept.sql} "
                f"AND v.product_id <> %s ORDER BY v.fused::halfvec({dimension}) "
                f"<=> %s::halfvec({dimension}) LIMIT {K}",
                [key, vector_literal(vector)],
            )
            return [row[0] for row in cursor.fetchall()]

    return run


def by_peer(peer: FaissPeer, name: str) -> Callable[[Catalogue, Filter], Run]:
    def make(catalogue: Catalogue, kept: Filter) -> Run:
        search = peer.search(name, kept.mask)
        return lambda key: search(key - 1)

    return make


class Measured(NamedTuple):
    first_ms: float
    p50_ms: float
    p95_ms: float
    recall: float
    short: int
    asked: int


def measure(run: Run, catalogue: Catalogue, kept: Filter, most: int) -> Measured:
    """Measure each query once, after some warm-up queries."""
    positions = catalogue.outside(kept)[:most]
    started = time.perf_counter()
    run(catalogue.keys[positions[0]])
    first = 1000 * (time.perf_counter() - started)
    for at in positions[1:4]:
        run(catalogue.keys[at])
    times, recall, short = [], [], 0
    for at in positions:
        started = time.perf_counter()
        found = run(catalogue.keys[at])
        times.append(1000 * (time.perf_counter() - started))
        likeness = np.where(kept.mask, catalogue.likeness[at], -np.inf)
        exist = min(K, int(np.isfinite(likeness).sum()))
        short += len(found) < exist
        if exist:
            least = np.partition(likeness, -exist)[-exist]
            right = [likeness[key - 1] >= least - ROUNDING for key in found[:exist]]
            recall.append(sum(right) / exist)
    p50, p95 = np.percentile(times, [50, 95])
    return Measured(first, p50, p95, float(np.mean(recall or [1.0])), short, len(positions))


def line(kept: Filter, what: str, plan: str, got: Measured) -> str:
    return (
        f"| {kept.name}{', far' if kept.far else ''} | {what} | {plan} | {got.first_ms:.1f} | "
        f"{got.p50_ms:.1f} | {got.p95_ms:.1f} | {got.recall:.3f} | {got.short} of {got.asked} |"
    )


def plan_of(catalogue: Catalogue, kept: Filter) -> str:
    """Return the plans that answered the queries, the most frequent first."""
    with trace.trace_queries() as answered:
        for at in catalogue.outside(kept)[:20]:
            candidates.nearest(search_for(catalogue, kept, catalogue.keys[at]), K)
    plans = [one.plan for one in answered]
    return ", ".join(sorted(set(plans), key=plans.count, reverse=True))


def compare(catalogue: Catalogue, options: argparse.Namespace) -> None:
    peer = FaissPeer(catalogue.vectors, K) if options.faiss else None
    print("\n| filter keeps | query | plan | first ms | p50 ms | p95 ms | recall@24 | short |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for kept in catalogue.filters():
        plan = plan_of(catalogue, kept)
        rows: list[tuple[str, str, Callable[[Catalogue, Filter], Run]]] = [
            ("similar_to", plan, ours),
            ("candidates", plan, vector_query),
            ("bare psycopg", plan, bare),
            ("plain pgvector", "HNSW, relaxed_order", plain),
        ]
        if peer:
            rows += [(f"faiss {name}", "in memory", by_peer(peer, name)) for name in peer.names]
        for what, how, make in rows:
            got = measure(make(catalogue, kept), catalogue, kept, options.queries)
            print(line(kept, what, how, got), flush=True)


def churn(catalogue: Catalogue, share: float, options: argparse.Namespace) -> None:
    """Measure recall after a share of the products got other vectors, with unchanged cells.

    The transaction is rolled back, so that the database can be used again.
    """
    dice = np.random.default_rng(options.seed + 1)
    count = len(catalogue.vectors)
    moved = dice.choice(count, size=int(share * count), replace=False)
    widest = next(catalogue.filters())
    with transaction.atomic():
        catalogue.vectors[moved] = clustered.move(
            catalogue.version, moved, count, options.dimension, options.seed
        )
        catalogue.look()
        got = measure(vector_query(catalogue, widest), catalogue, widest, options.queries)
        print(
            f"\nAfter {share:.0%} of the products moved, cells as they were: p50 {got.p50_ms:.1f}, "
            f"p95 {got.p95_ms:.1f} ms, recall@24 {got.recall:.3f}, {got.short} short.",
            flush=True,
        )
        transaction.set_rollback(True)


def prepare(count: int, options: argparse.Namespace) -> EncoderVersion:
    """Build the catalogue, its HNSW index and its cells, if they are missing."""
    version = EncoderVersion.objects.first()
    if version is None:
        version = clustered.build(count, options.dimension, options.seed)
    print(f"\n## {count:,} products × {options.dimension}\n")
    if options.rebuild or "hnsw_s" not in version.figures:
        clustered.build_hnsw(version, options.memory)
    if options.rebuild or not VectorCells.objects.filter(live=True).exists():
        indexing_cells.build(version, "default")
    clustered.warm()
    made = VectorCells.objects.get(live=True)
    hnsw_s, cells_s = version.figures["hnsw_s"], made.figures["build_s"]
    print(
        f"HNSW index built in {hnsw_s:.1f} s by one process; {made.figures['cells']} cells made in "
        f"{cells_s:.1f} s, 1 ÷ {hnsw_s / cells_s:.0f} of it."
    )
    return version


def main() -> None:
    options = arguments()
    print(f"{processor()}; {options.queries} queries a line, k = {K}, seed {options.seed}")
    for count in options.products:
        name = f"similarity_query_{count}_{options.dimension}"
        with clustered.kept_database(name):
            version = prepare(count, options)
            catalogue = Catalogue(version, options.queries, options.seed)
            candidates.forget()
            compare(catalogue, options)
            if options.churn:
                churn(catalogue, options.churn, options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--products", type=int, nargs="+", default=[10_000], help="catalogue sizes (10000)"
    )
    parser.add_argument("--dimension", type=int, default=256, help="length of fused rows (256)")
    parser.add_argument("--queries", type=int, default=100, help="queries for each line (100)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--memory", default="3GB", help="maintenance_work_mem of the HNSW build (3GB)"
    )
    parser.add_argument("--faiss", action="store_true", help="faiss-cpu as a further peer")
    parser.add_argument(
        "--churn", type=float, default=0.2, help="share of products moved at the end (0.2; 0: none)"
    )
    parser.add_argument("--rebuild", action="store_true", help="index and cells anew, timed again")
    return parser.parse_args()


if __name__ == "__main__":
    main()
