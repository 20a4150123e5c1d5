"""The tables that hold cells: created, filled in the order of the cells, updated, dropped.

They are created outside migrations, as indexes are, one pair for each set of cells: loading an
empty table without indexes takes seconds for a million rows.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connections, transaction
from psycopg.sql import SQL, Identifier

from similarity.cells.clustering import Numbers
from similarity.models import EncoderVersion, ProductVectors
from similarity.models.cells import VectorCells, rows_table, sample_table
from similarity.models.sketches import written
from similarity.models.vectors import key_type
from similarity.types import FloatArray

#: Rows that are read and assigned at once.
CHUNK = 20_000
#: Rows in the sample by which a filter's share is estimated.
SAMPLE = 8192

_VECTORS = ProductVectors._meta.db_table
_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_END = struct.pack(">h", -1)
#: Bytes that are copied at once.
_PIECE = 1 << 20


class Chunk(NamedTuple):
    """N rows of a version: their ``ids`` (N,), ``categories`` (N,) and unit ``vectors`` (N, D).

    ``times`` (N,): when each row was written, in PostgreSQL's own microseconds.
    """

    ids: npt.NDArray[np.int64]
    categories: Numbers
    vectors: FloatArray
    times: npt.NDArray[np.int64]

    def rows(self, at: npt.NDArray[np.intp]) -> "Chunk":
        """Return the rows at these positions."""
        return Chunk(self.ids[at], self.categories[at], self.vectors[at], self.times[at])


class Placeable(NamedTuple):
    """N stored vectors, unit ``vectors`` (N, D), with the ``times`` at which they were written.

    Times are PostgreSQL's text, because without time zones Python cannot distinguish the hour
    that occurs twice when clocks go back.
    """

    keys: Sequence[Any]
    vectors: FloatArray
    categories: Numbers
    times: Sequence[str]


class Placed(NamedTuple):
    """The target of rows: the ``cell`` (N,) and the sketch of each, ``packed`` (N, bytes)."""

    cell: Numbers
    packed: npt.NDArray[np.uint8]
    bits: int


def read(version: EncoderVersion, alias: str, percent: float = 100.0) -> Iterator[Chunk]:
    """Yield the version's fused vectors, all or a random sample of about ``percent``."""
    dimension = int(version.dimensions["fused"])
    record = np.dtype(
        [
            *(("fields", ">i2"), ("id_length", ">i4"), ("id", ">i8")),
            *(("category_length", ">i4"), ("category", ">i4")),
            *(("vector_length", ">i4"), ("head", ">i4"), ("vector", ">f2", (dimension,))),
            *(("time_length", ">i4"), ("time", ">i8")),
        ]
    )
    sample = SQL("TABLESAMPLE BERNOULLI ({}) REPEATABLE (0)").format(float(percent))
    statement = SQL(
        "COPY (SELECT id, category, fused, encoded_at FROM similarity_productvectors {} "
        "WHERE version_id = {}) TO STDOUT (FORMAT BINARY)"
    ).format(sample if percent < 100 else SQL(""), int(version.pk))
    with connections[alias].cursor() as cursor, cursor.copy(statement) as copy:
        for block in _blocks(copy, record.itemsize):
            rows = np.frombuffer(block, dtype=record)
            vectors = rows["vector"].astype(np.float32)
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
            yield Chunk(
                rows["id"].astype(np.int64),
                rows["category"].astype(np.int32),
                vectors,
                rows["time"].astype(np.int64),
            )


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """Return all rows of at least one chunk."""
    return Chunk(
        np.concatenate([chunk.ids for chunk in chunks]),
        np.concatenate([chunk.categories for chunk in chunks]),
        np.concatenate([chunk.vectors for chunk in chunks]),
        np.concatenate([chunk.times for chunk in chunks]),
    )


def spool(file: IO[bytes], chunk: Chunk, placed: Placed) -> None:
    """Write the targets of a chunk's rows to a file that :func:`fill` reads."""
    record = np.dtype(
        [
            *(("fields", ">i2"), ("id_length", ">i4"), ("id", ">i8")),
            *(("cell_length", ">i4"), ("cell", ">i4")),
            *(("time_length", ">i4"), ("time", ">i8")),
            *(("sketch_length", ">i4"), ("bits", ">i4")),
            ("sketch", "u1", (placed.packed.shape[1],)),
        ]
    )
    rows = np.empty(len(chunk.ids), dtype=record)
    rows["fields"], rows["id_length"], rows["cell_length"], rows["time_length"] = 4, 8, 4, 8
    rows["sketch_length"], rows["bits"] = 4 + placed.packed.shape[1], placed.bits
    rows["id"], rows["cell"], rows["time"] = chunk.ids, placed.cell, chunk.times
    rows["sketch"] = placed.packed
    file.write(rows.tobytes())


def fill(cells: VectorCells, alias: str, file: IO[bytes], rows: int) -> None:
    """Create the tables of ``cells`` from ``rows`` spooled rows, in one transaction."""
    table, sample = (f"{home(alias)}.{name}" for name in _tables(cells.pk))
    key = key_type(alias)
    sketch = f"bit({cells.sketcher().bits})"
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '512MB'")
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        cursor.execute("SET LOCAL jit = off")
        cursor.execute("SET LOCAL statement_timeout = 0")  # the role's limit is for pages
        cursor.execute("DROP TABLE IF EXISTS pg_temp.similarity_assigned")
        cursor.execute(
            "CREATE TEMP TABLE similarity_assigned (id bigint, cell integer, "
            f"encoded_at timestamptz, sketch {sketch}) ON COMMIT DROP"
        )
        with cursor.copy("COPY similarity_assigned FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(_HEADER)
            file.seek(0)
            while piece := file.read(_PIECE):
                copy.write(piece)
            copy.write(_END)
        cursor.execute("ANALYZE similarity_assigned")
        cursor.execute(
            # Columns that a scan reads come first, after columns of fixed length if keys are
            # numbers: PostgreSQL finds them without walking through the row. PLAIN, because a
            # short value would be copied before it is compared.
            f"CREATE TABLE {table} (cell integer NOT NULL, placed boolean NOT NULL DEFAULT false, "
            f"product_id {key} NOT NULL, encoded_at timestamptz NOT NULL, "
            f'sketch {sketch} STORAGE PLAIN NOT NULL, "group" varchar(255) NOT NULL)'
        )
        cursor.execute(
            SQL(
                'INSERT INTO {} (cell, product_id, encoded_at, sketch, "group") '
                "SELECT assigned.cell, stored.product_id, assigned.encoded_at, assigned.sketch, "
                'stored."group" FROM similarity_assigned AS assigned '
                "JOIN similarity_productvectors AS stored USING (id) ORDER BY assigned.cell"
            ).format(SQL(table))
        )
        cursor.execute(f"CREATE INDEX ON {table} (cell)")
        cursor.execute(f"CREATE UNIQUE INDEX ON {table} (product_id)")
        cursor.execute(f"CREATE TABLE {sample} (cell integer NOT NULL, product_id {key} NOT NULL)")
        percent = min(100.0, 100.0 * SAMPLE / max(1, rows))
        cursor.execute(
            SQL(
                "INSERT INTO {} SELECT cell, product_id FROM {} "
                "TABLESAMPLE BERNOULLI ({}) REPEATABLE (0) ORDER BY product_id"
            ).format(SQL(sample), SQL(table), percent)
        )
    with connections[alias].cursor() as cursor:
        if not connections[alias].in_atomic_block:
            cursor.execute(f"VACUUM ANALYZE {table}")
        else:
            cursor.execute(f"ANALYZE {table}")
        cursor.execute(f"ANALYZE {sample}")


def place(cells: int, alias: str, rows: Placeable, placed: Placed, version: EncoderVersion) -> None:
    """Put products into their cells, except products that were written again since."""
    sketches = written(np.unpackbits(placed.packed, axis=1, count=placed.bits))
    with connections[alias].cursor() as cursor:
        cursor.execute(
            SQL(
                'INSERT INTO {table} (cell, product_id, encoded_at, sketch, "group", placed) '
                "SELECT new.cell, stored.product_id, stored.encoded_at, "
                'new.sketch::bit({bits}), stored."group", true '
                "FROM unnest(%s::{key_type}[], %s::int[], %s::text[], %s::timestamptz[]) "
                "AS new(product_id, cell, sketch, encoded_at) "
                "JOIN similarity_productvectors AS stored "
                "ON stored.product_id = new.product_id AND stored.encoded_at = new.encoded_at "
                "AND stored.version_id = %s ORDER BY new.product_id "
                "ON CONFLICT (product_id) DO UPDATE SET cell = excluded.cell, encoded_at = "
                'excluded.encoded_at, sketch = excluded.sketch, "group" = excluded."group", '
                "placed = true"
            ).format(
                table=Identifier(rows_table(cells)),
                bits=int(placed.bits),
                key_type=SQL(key_type(alias)),
            ),
            [list(rows.keys), placed.cell.tolist(), sketches, list(rows.times), version.pk],
        )


def missing(
    cells: int, version: EncoderVersion, alias: str, since: Any = None
) -> Iterator[Placeable]:
    """Yield rows that are in no cell, or were written again since.

    With ``since``, a time by the database's clock, only rows written after it.
    """
    with connections[alias].chunked_cursor() as cursor:
        cursor.execute(
            SQL(
                "SELECT stored.product_id, halfvec_send(stored.fused), stored.category, "
                "stored.encoded_at::text FROM similarity_productvectors AS stored "
                "LEFT JOIN {} AS placed USING (product_id) WHERE stored.version_id = %s "
                "AND (%s::timestamptz IS NULL OR stored.encoded_at > %s) "
                "AND (placed.product_id IS NULL OR placed.encoded_at <> stored.encoded_at)"
            ).format(Identifier(rows_table(cells))),
            [version.pk, since, since],
        )
        yield from _placeable(cursor)


def remove_orphans(cells: int, version: EncoderVersion, alias: str) -> int:
    """Delete rows whose vectors are gone, to save space; return how many. Queries ignore them."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            SQL(
                "DELETE FROM {} AS placed WHERE NOT EXISTS ("
                "SELECT FROM similarity_productvectors AS stored "
                "WHERE stored.product_id = placed.product_id AND stored.version_id = %s)"
            ).format(Identifier(rows_table(cells))),
            [version.pk],
        )
        return int(cursor.rowcount)


def variants(cells: int, alias: str) -> float:
    """Return the average rows of one group; 1 if no product has variants."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            SQL(
                "SELECT coalesce(sum(rows)::float / count(*), 1) "
                'FROM (SELECT count(*) AS rows FROM {} GROUP BY "group") AS groups'
            ).format(Identifier(rows_table(cells)))
        )
        return float(cursor.fetchone()[0])


def churn(cells: int, alias: str) -> tuple[int, int]:
    """Return the number of rows, and of rows placed since the cells were made."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            SQL("SELECT count(*), count(*) FILTER (WHERE placed) FROM {}").format(
                Identifier(rows_table(cells))
            )
        )
        rows, placed = cursor.fetchone()
    return rows, placed


def drop(cells: int, alias: str) -> None:
    """Drop a set's tables in the schema of the vectors; tables of other schemas stay."""
    schema = home(alias)
    with connections[alias].cursor() as cursor:
        for name in _tables(cells):
            cursor.execute(f"DROP TABLE IF EXISTS {schema}.{name}")


def exist(cells: int, alias: str) -> bool:
    """Return True if the set has its tables: a restore of data alone brings rows without them."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [rows_table(cells)])
        return bool(cursor.fetchone()[0])


def numbers(alias: str) -> set[int]:
    """Return the numbers of the sets that have tables."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT substring(relname FROM '^similarity_cells_([0-9]+)$')::bigint FROM pg_class "
            "WHERE relkind = 'r' AND relname ~ '^similarity_cells_[0-9]+$' "
            "AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass(%s))",
            [_VECTORS],
        )
        return {number for (number,) in cursor.fetchall()}


def home(alias: str) -> str:
    """Return the schema of the vectors, quoted; of several such schemas, the one queries see."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(nspname) FROM pg_class JOIN pg_namespace ON "
            "pg_namespace.oid = relnamespace WHERE pg_class.oid = to_regclass(%s)",
            [_VECTORS],
        )
        return str(cursor.fetchone()[0])


def _tables(cells: int) -> tuple[str, str]:
    return rows_table(cells), sample_table(cells)


def _placeable(cursor: Any) -> Iterator[Placeable]:
    while rows := cursor.fetchmany(1000):
        keys, binary, categories, times = zip(*rows, strict=True)
        halves = np.frombuffer(b"".join(bytes(one)[4:] for one in binary), dtype=">f2")
        vectors = halves.reshape(len(rows), -1).astype(np.float32)
        yield Placeable(keys, vectors, np.array(categories, dtype=np.int32), times)


def _blocks(copy: Any, size: int) -> Iterator[bytes]:
    """Yield the rows of a binary COPY, CHUNK rows at a time, without its header and its end."""
    rows: list[bytes] = []
    for number, data in enumerate(copy):
        row = bytes(data)[len(_HEADER) :] if number == 0 else bytes(data)
        if len(row) == size:
            rows.append(row)
        if len(rows) == CHUNK:
            yield b"".join(rows)
            rows = []
    if rows:
        yield b"".join(rows)
