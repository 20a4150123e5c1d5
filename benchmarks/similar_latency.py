"""Time and recall of ``similar_to`` under live filters, beside plain pgvector queries.

Builds a synthetic catalogue in a database of its own on the configured server, measures,
and drops the database again:

    python benchmarks/similar_latency.py --products 100000

Rows are drawn around cluster centres, at the fused vector's full length. The filter is a
price range that has nothing to do with the vectors, which keeps the given share of the
catalogue. The peers are the query one would write by hand, with pgvector's defaults and
with its iterative scan; what they bring back is as it comes, short or not.
"""

import argparse
import os
import platform
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

from shop import servers

servers.start()

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks.scratch import own_database  # noqa: E402
from shop.models import Brand, Category, Product  # noqa: E402
from similarity import conf  # noqa: E402
from similarity.models import EncoderVersion, ProductVectors  # noqa: E402
from similarity.retrieval import plans  # noqa: E402
from similarity.retrieval.shelves import similar_to  # noqa: E402
from similarity.retrieval.stored import read_vectors, vector_literal  # noqa: E402
from similarity.retrieval.within import Within  # noqa: E402

K = 10
TABLE = ProductVectors._meta.db_table


def build_catalogue(count: int, dimension: int, seed: int) -> EncoderVersion:
    category = Category.objects.create(name="All", slug="all")
    brand = Brand.objects.create(name="One", slug="one")
    version = EncoderVersion.objects.create(
        status="live", encoders={}, fusion=b"", weights={}, dimensions={"fused": dimension}
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Product._meta.db_table} (sku, name, slug, description, category_id, "  # noqa: S608
            'brand_id, price, currency, stock, is_active, attributes, "group", created_at, '
            "updated_at) SELECT 'S' || n, 'Product ' || n, 'p' || n, '', %s, %s, "
            "random() * 1000, 'EUR', 5, true, '{}', '', now(), now() FROM generate_series(1, %s) n",
            [category.pk, brand.pk, count],
        )
    first = Product.objects.order_by("pk").values_list("pk", flat=True)[0]
    copy_vectors(version, first, count, dimension, seed)
    return version


def copy_vectors(
    version: EncoderVersion, first: int, count: int, dimension: int, seed: int
) -> None:
    """Binary COPY: a hundred thousand rows in seconds."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(20, count // 100), dimension)).astype(np.float32)
    columns = 'product_id, version_id, fused, "group", fingerprint, encoded_at'
    with connection.cursor() as cursor:
        copy = cursor.copy(f"COPY {TABLE} ({columns}) FROM STDIN (FORMAT BINARY)")
        with copy as stream:
            stream.write(b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0))
            for start in range(0, count, 5000):
                size = min(5000, count - start)
                rows = centres[rng.integers(len(centres), size=size)]
                rows = rows + 0.8 * rng.normal(size=rows.shape).astype(np.float32)
                rows /= np.linalg.norm(rows, axis=1, keepdims=True)
                for offset, row in enumerate(rows.astype(">f2")):
                    key = first + start + offset
                    vector = struct.pack(">HH", dimension, 0) + row.tobytes()
                    fields = (
                        struct.pack(">q", key),
                        struct.pack(">q", version.pk),
                        vector,
                        str(key).encode(),
                        b"0" * 64,
                        struct.pack(">q", 0),
                    )
                    stream.write(
                        struct.pack(">h", len(fields))
                        + b"".join(struct.pack(">i", len(field)) + field for field in fields)
                    )
            stream.write(struct.pack(">h", -1))


def build_index(version: EncoderVersion, memory: str) -> float:
    """Seconds it took."""
    started = time.perf_counter()
    dimension = version.dimensions["fused"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('maintenance_work_mem', %s, false)", [memory])
        cursor.execute(
            f"CREATE INDEX CONCURRENTLY similarity_v{version.pk}_fused ON {TABLE} USING hnsw "
            f"((fused::halfvec({dimension})) halfvec_cosine_ops) WHERE version_id = {version.pk}"
        )
        cursor.execute("VACUUM ANALYZE")
    return time.perf_counter() - started


def plain_query(
    version: EncoderVersion, below: float, iterative: bool
) -> Callable[[int], list[int]]:
    """The query one would write by hand; the planner chooses."""
    dimension = version.dimensions["fused"]
    scan = "relaxed_order" if iterative else "off"

    def run(key: int) -> list[int]:
        vector = read_vectors(version, [key], ("fused",), "default")[key].vectors["fused"]
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('hnsw.iterative_scan', %s, false)", [scan])
            cursor.execute(
                f"SELECT product.* FROM {TABLE} v JOIN {Product._meta.db_table} product "  # noqa: S608
                "ON product.id = v.product_id "
                f"WHERE v.version_id = {version.pk} AND product.is_active AND product.stock > 0 "
                "AND product.price < %s AND v.product_id <> %s "
                f"ORDER BY v.fused::halfvec({dimension}) <=> %s::halfvec({dimension}) LIMIT {K}",
                [below, key, vector_literal(vector)],
            )
            return [row[0] for row in cursor.fetchall()]

    return run


def ours(below: float) -> Callable[[int], list[int]]:
    products = Product.objects.available().filter(price__lt=below)
    return lambda key: [int(hit.key) for hit in similar_to(key, K, within=products)]


def truth(version: EncoderVersion, below: float, key: int) -> set[int]:
    vector = read_vectors(version, [key], ("fused",), "default")[key].vectors["fused"]
    within = Within(Product.objects.available().filter(price__lt=below))
    search = plans.VectorSearch(version, "fused", vector, within, exclude=[key])
    return {row.key for row in plans.exact(search, K)}


def measure(run: Callable[[int], list[int]], keys: list[int], right: list[set[int]]) -> str:
    for key in keys[:5]:
        run(key)  # warm
    times, recall, short = [], [], 0
    for key, best in zip(keys, right, strict=True):
        started = time.perf_counter()
        found = run(key)
        times.append(1000 * (time.perf_counter() - started))
        recall.append(len(best & set(found)) / len(best))
        short += len(found) < len(best)
    p50, p95 = np.percentile(times, [50, 95])
    return f"{p50:.1f} | {p95:.1f} | {np.mean(recall):.3f} | {short / len(keys):.0%}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=int, default=10_000, help="catalogue size (10000)")
    parser.add_argument("--dimension", type=int, default=512, help="length of fused rows (512)")
    parser.add_argument("--queries", type=int, default=100, help="queries for each line (100)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--memory", default="1GB", help="maintenance_work_mem for the index (1GB; 8GB for 1M rows)"
    )
    parser.add_argument("--exact-limit", type=int, help="another SIMILARITY['EXACT_LIMIT']")
    options = parser.parse_args()
    if options.exact_limit is not None:
        settings.SIMILARITY = {**settings.SIMILARITY, "EXACT_LIMIT": options.exact_limit}
    rng = np.random.default_rng(options.seed)
    with own_database():
        version = build_catalogue(options.products, options.dimension, options.seed)
        seconds = build_index(version, options.memory)
        print(
            f"{options.products} products × {options.dimension}, {options.queries} queries, "
            f"k = {K}, EXACT_LIMIT = {conf.get('EXACT_LIMIT')};"
        )
        print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores;", end=" ")
        print(f"HNSW index built in {seconds:.0f} s\n")
        print("| filter keeps | query | p50 ms | p95 ms | recall@10 | short |")
        print("| --- | --- | --- | --- | --- | --- |", flush=True)
        every = list(Product.objects.values_list("pk", flat=True))
        for share in (1.0, 0.5, 0.1, 0.01):
            below = 1001 if share == 1 else 1000 * share
            keys = [int(key) for key in rng.choice(every, size=options.queries)]
            right = [truth(version, below, key) for key in keys]
            for name, run in (
                ("similar_to", ours(below)),
                ("plain pgvector", plain_query(version, below, False)),
                ("plain, iterative scan", plain_query(version, below, True)),
            ):
                print(f"| {share:.0%} | {name} | {measure(run, keys, right)} |", flush=True)


if __name__ == "__main__":
    main()
