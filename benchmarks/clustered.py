"""Build a large synthetic catalogue with realistic vectors, in a database that is kept.

Category sizes decrease as in shops. Each category is a cluster of styles, and each style is a cloud
of products. The spread of a cloud falls over the axes, like the spread of fused vectors reduced by
PCA. Prices and makers do not depend on the vectors.
"""

import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from django.core.management import call_command
from django.db import connection, transaction
from pgvector import HalfVector

from shop.models import Brand, Category, Product
from similarity.cells import cell_rows, upkeep
from similarity.cells import probing as retrieval_cells
from similarity.models import EncoderVersion, ProductVectors
from similarity.models.vectors import category_number
from similarity.similar import shelves

TABLE = ProductVectors._meta.db_table
PRODUCTS = Product._meta.db_table
FIELDS = Product._meta.concrete_fields

DEPARTMENTS = 2
CATEGORIES = 300
STYLES = 40
#: Rows generated and copied at once.
CHUNK = 20_000

Floats = npt.NDArray[np.float32]


class Shapes:
    """The positions of each category and style; row ``n`` belongs to ``category[n]``."""

    def __init__(self, count: int, dimension: int, seed: int) -> None:
        self.dice = np.random.default_rng(seed)
        sizes = 1 / np.arange(1, CATEGORIES + 1) ** 0.7
        self.category = self.dice.choice(CATEGORIES, size=count, p=sizes / sizes.sum())
        self.spread = (1 / np.arange(1, dimension + 1) ** 0.6).astype(np.float32)
        self.centres = self._normal(CATEGORIES, dimension)
        self.styles = self._normal(CATEGORIES, STYLES, dimension)

    def draw(self, category: npt.NDArray[np.int64]) -> Floats:
        """Return unit rows, one for each given category."""
        style = self.dice.integers(0, STYLES, size=len(category))
        rows = self.centres[category] + 0.7 * self.styles[category, style]
        rows += 0.8 * self._normal(len(category), len(self.spread))
        unit: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    def _normal(self, *shape: int) -> Floats:
        return self.dice.standard_normal(size=shape, dtype=np.float32) * self.spread


def build(count: int, dimension: int, seed: int) -> EncoderVersion:
    """Create ``count`` products with keys from 1, their vectors, and a live version without
    indexes.
    """
    with transaction.atomic():  # an interrupted run leaves no rows behind
        version = _fill(Shapes(count, dimension, seed), count, dimension)
    with connection.cursor() as cursor:
        # A shop that filters by price has this index; the peers use it too.
        cursor.execute(f"CREATE INDEX ON {PRODUCTS} (price)")
        cursor.execute("VACUUM ANALYZE")
    return version


def _fill(shapes: Shapes, count: int, dimension: int) -> EncoderVersion:
    categories = _categories()
    numbers = [category_number(path) for path in _paths(categories)]
    brand = Brand.objects.create(name="Maker", slug="maker")
    prices = shapes.dice.random(count) * 1000
    with connection.cursor() as cursor:
        columns = ", ".join(f'"{field.column}"' for field in FIELDS)
        with cursor.copy(f"COPY {PRODUCTS} ({columns}) FROM STDIN") as stream:
            row = _usual_row(brand)
            for at in range(count):
                key = at + 1
                row |= {"id": key, "sku": f"S{key}", "name": f"Product {key}", "slug": f"p{key}"}
                row |= {
                    "category_id": categories[shapes.category[at]],
                    "price": f"{prices[at]:.2f}",
                }
                stream.write_row(tuple(row.values()))
        cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [PRODUCTS, count])
    version = EncoderVersion.objects.create(
        status="live", encoders={}, fusion=b"", weights={}, dimensions={"fused": dimension}
    )
    copy_vectors(version, shapes, [numbers[category] for category in shapes.category])
    return version


def _usual_row(brand: Brand) -> dict[str, Any]:
    """Return column → its value for an ordinary product, in the order of FIELDS."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    usual = Product(brand=brand, stock=5, created_at=now, updated_at=now)
    return {
        field.column: field.get_db_prep_save(getattr(usual, field.attname), connection)
        for field in FIELDS
    }


def copy_vectors(version: EncoderVersion, shapes: Shapes, categories: Sequence[int]) -> None:
    """Copy the vectors by binary COPY: a million rows in a minute."""
    columns = 'product_id, version_id, fused, "group", category, fingerprint, encoded_at'
    count = len(shapes.category)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {TABLE} ({columns}) FROM STDIN (FORMAT BINARY)") as stream,
    ):
        stream.write(b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0))
        for start in range(0, count, CHUNK):
            rows = shapes.draw(shapes.category[start : start + CHUNK]).astype(">f2")
            stream.write(
                b"".join(
                    _row(start + at + 1, version.pk, row, categories[start + at])
                    for at, row in enumerate(rows)
                )
            )
        stream.write(struct.pack(">h", -1))


def build_hnsw(version: EncoderVersion, memory: str) -> None:
    """Build the version's HNSW index over ``fused`` in one process; store the time as a figure."""
    dimension, name = version.dimensions["fused"], f"similarity_v{version.pk}_fused"
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('maintenance_work_mem', %s, false)", [memory])
        cursor.execute("SET max_parallel_maintenance_workers = 0")
        cursor.execute(f"DROP INDEX IF EXISTS {name}")
        started = time.perf_counter()
        cursor.execute(
            f"CREATE INDEX {name} ON {TABLE} USING hnsw "
            f"((fused::halfvec({dimension})) halfvec_cosine_ops) WHERE version_id = {version.pk}"
        )
        version.figures = {**version.figures, "hnsw_s": round(time.perf_counter() - started, 1)}
        version.save(update_fields=["figures"])
        cursor.execute(f"ANALYZE {TABLE}")


def warm() -> None:
    """Read every table and index into PostgreSQL's memory, also those of the peers."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
        cursor.execute(
            "SELECT pg_prewarm(oid) FROM pg_class WHERE relkind IN ('r', 'i') "
            "AND relnamespace = current_schema()::regnamespace"
        )


def stored_vectors(version: EncoderVersion) -> npt.NDArray[np.float16]:
    """Return (N, D); row n belongs to the product with key n + 1."""
    chunks = list(cell_rows.read(version, connection.alias))
    order = np.argsort(np.concatenate([chunk.ids for chunk in chunks]))
    return np.concatenate([chunk.vectors.astype(np.float16) for chunk in chunks])[order]


def move(
    version: EncoderVersion, moved: npt.NDArray[np.intp], count: int, dimension: int, seed: int
) -> npt.NDArray[np.float16]:
    """Give the products of these rows other vectors of their categories, as a worker does.

    Call it in a transaction. It drops the HNSW index, because rows are written faster without it.
    """
    shapes = Shapes(count, dimension, seed)
    shapes.dice = np.random.default_rng(seed + 2)
    numbers = dict(ProductVectors.objects.values_list("product_id", "category"))
    vectors = np.concatenate(
        [
            shapes.draw(shapes.category[moved[start : start + CHUNK]])
            for start in range(0, len(moved), CHUNK)
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS similarity_v{version.pk}_fused")
        for start in range(0, len(moved), 1000):
            keys = [int(row) + 1 for row in moved[start : start + 1000]]
            rows = vectors[start : start + 1000]
            cursor.execute(
                f"UPDATE {TABLE} AS stored SET fused = new.fused::halfvec, "  # noqa: S608
                "encoded_at = statement_timestamp() "
                "FROM unnest(%s::bigint[], %s::text[]) AS new(key, fused) "
                "WHERE stored.product_id = new.key RETURNING product_id, encoded_at::text",
                [keys, [HalfVector(row).to_text() for row in rows]],
            )
            written = dict(cursor.fetchall())
            categories = np.array([numbers[key] for key in keys], dtype=np.int32)
            times = [written[key] for key in keys]
            moving = cell_rows.Placeable(keys, rows, categories, times)
            upkeep.place(version, connection.alias, moving)
    return vectors.astype(np.float16)


@contextmanager
def kept_database(name: str) -> Iterator[bool]:
    """Use the database of this name; yield True if it was missing and is created now.

    A million rows and their HNSW index take most of an hour, so the database stays for the next
    run. ``DROP DATABASE`` removes it.
    """
    usual = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        new = cursor.fetchone() is None
        if new:
            cursor.execute(f'CREATE DATABASE "{name}"')
    connection.close()
    connection.settings_dict["NAME"] = name
    for read_once in (upkeep.fitted_of, retrieval_cells.load, shelves.read_version):
        read_once.cache_clear()  # the same numbers mean other rows in another database
    try:
        call_command("migrate", verbosity=0)
        yield new
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


def _categories() -> list[int]:
    """Return primary keys of the categories, which alternate between the departments."""
    departments = [
        Category.objects.create(name=f"Department {n}", slug=f"d{n}") for n in range(DEPARTMENTS)
    ]
    return [
        Category.objects.create(
            name=f"Category {n}", slug=f"c{n}", parent=departments[n % DEPARTMENTS]
        ).pk
        for n in range(CATEGORIES)
    ]


def _paths(categories: Sequence[int]) -> list[str]:
    """Return their names from the root, in the form that the demo shop gives to encoders."""
    paths = dict(Category.objects.values_list("pk", "path"))
    return [paths[key] for key in categories]


def _row(key: int, version: int, vector: npt.NDArray[np.float16], category: int) -> bytes:
    fields = (
        struct.pack(">q", key),
        struct.pack(">q", version),
        struct.pack(">HH", len(vector), 0) + vector.tobytes(),
        f"product:{key}".encode(),
        struct.pack(">i", category),
        b"0" * 64,
        struct.pack(">q", 0),
    )
    return struct.pack(">h", len(fields)) + b"".join(
        struct.pack(">i", len(field)) + field for field in fields
    )
