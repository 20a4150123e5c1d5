"""Indexes over vectors: HNSW, or cells instead of the index over ``fused``.

Each version has one index per searched column, made outside migrations. The index's
expression holds the vector's length, which belongs to the version, and its condition holds the
version's id, so that no query can mix two versions. Versions with ``CELLS_FROM`` vectors or more
have cells instead of the index over ``fused``: cells are built in a fraction of the time, and new
rows do not need a place in a graph of a million rows.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import OperationalError, connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import LockNotAvailable

from similarity.cells import upkeep
from similarity.exceptions import VersionError
from similarity.models import EncoderVersion, ProductVectors
from similarity.models.cells import VectorCells
from similarity.models.vectors import INDEX_PREFIX, index_name
from similarity.parts import TABLE
from similarity.types import Progress

logger = logging.getLogger(__name__)

#: Columns that are searched; the other parts only re-weight and explain.
SEARCHED = ("fused", *(name for name, part in TABLE.items() if part.searched))

VALID, INVALID, MISSING = "valid", "invalid", "missing"

POLL_S = 0.5

#: Longest wait of one attempt to drop an index for a lock, and the number of attempts.
DROP_WAIT_S = 2.0
DROP_ATTEMPTS = 30

_TABLE = ProductVectors._meta.db_table


def columns(version: EncoderVersion) -> list[str]:
    """Return the searched columns this version fills."""
    return [column for column in SEARCHED if column in version.dimensions]


def bytes_of(version: EncoderVersion, sizes: Mapping[str, int]) -> dict[str, int]:
    """Return a version's share of :func:`sizes`: searched column, or ``cells`` → bytes."""
    named = {column: index_name(version, column) for column in (*columns(version), "cells")}
    return {column: sizes[name] for column, name in named.items() if name in sizes}


def create_indexes(version: EncoderVersion, progress: Progress | None = None) -> list[str]:
    """Build the missing indexes without locking out writers; return the names of those built.

    An invalid index, left by an interrupted build, is built again. Inside a transaction
    PostgreSQL builds no index concurrently, so the table is locked for writing while each index
    is built.
    """
    connection = connections[router.db_for_write(ProductVectors)]
    if connection.in_atomic_block:
        connection.check_constraints()  # pending deferred checks would prevent the build
    built = []
    for column, state in _states(version).items():
        if column == "fused" and upkeep.wanted(version, connection.alias):
            built += _make_cells(version, state, progress)
            continue
        if state == VALID:
            continue
        if state == INVALID:
            _drop(index_name(version, column))
        with (
            _without_limits(connection),
            _reported(connection.alias, f"index {column}", progress),
        ):
            _execute(create_statement(version, column))
        built.append(index_name(version, column))
    if built and not upkeep.wanted(version, connection.alias):
        upkeep.drop(version, connection.alias)
    return built


def _make_cells(version: EncoderVersion, state: str, progress: Progress | None) -> list[str]:
    alias = router.db_for_write(ProductVectors)
    made = []
    if upkeep.live(version, alias) is None:
        made.append(str(upkeep.build(version, alias, progress)))
    if state != MISSING:
        _drop(index_name(version, "fused"))
    return made


def tidy(version: EncoderVersion) -> str:
    """Make cells for a version that has grown, or repair its cells; beat calls this nightly.

    Returns a description of the work done; empty if there was no work.
    """
    alias = router.db_for_write(ProductVectors)
    done = upkeep.tidy(version, alias)
    if done or not upkeep.wanted(version, alias):
        return done
    create_indexes(version)
    return "made"


def create_statement(version: EncoderVersion, column: str) -> str:
    """Return the SQL that builds one index; raise :class:`VersionError` for another column."""
    connection = connections[router.db_for_write(ProductVectors)]
    quote = connection.ops.quote_name
    if column not in columns(version):
        raise VersionError(
            f"Version {version.pk} has no index on {column!r}; it has {columns(version)}."
        )
    dimension = int(version.dimensions[column])
    concurrently = "" if connection.in_atomic_block else "CONCURRENTLY "
    return (
        f"CREATE INDEX {concurrently}{quote(index_name(version, column))} ON {quote(_TABLE)} "
        f"USING hnsw (({quote(column)}::halfvec({dimension})) halfvec_cosine_ops) "
        f"WHERE version_id = {int(version.pk)}"
    )


def drop_indexes(version: EncoderVersion) -> None:
    """Drop the version's indexes, in any state, and its cells."""
    for column, state in _states(version).items():
        if state != MISSING:
            _drop(index_name(version, column))
    upkeep.drop(version, router.db_for_write(ProductVectors))


def states(version: EncoderVersion) -> dict[str, str]:
    """Return searched column → ``valid``, ``invalid`` or ``missing``; cells count as an index."""
    found = _states(version)
    if upkeep.live(version, router.db_for_write(ProductVectors)) is not None:
        found["fused"] = VALID
    return found


def _states(version: EncoderVersion) -> dict[str, str]:
    with connections[router.db_for_write(ProductVectors)].cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, i.indisvalid AND i.indisready FROM pg_index i "
            "JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = to_regclass(%s)",
            [_TABLE],
        )
        found = {name: VALID if valid else INVALID for name, valid in cursor.fetchall()}
    names = {column: index_name(version, column) for column in columns(version)}
    return {column: found.get(name, MISSING) for column, name in names.items()}


def sizes() -> dict[str, int]:
    """Return bytes on disk of each index of the plugin, and of each version's cells, by name."""
    with connections[router.db_for_write(ProductVectors)].cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, pg_relation_size(c.oid) FROM pg_index i "
            "JOIN pg_class c ON c.oid = i.indexrelid "
            "WHERE i.indrelid = to_regclass(%s) AND c.relname ~ %s ORDER BY 1",
            [_TABLE, f"^{INDEX_PREFIX}[0-9]+_"],
        )
        found = dict(cursor.fetchall())
    alias = router.db_for_write(ProductVectors)
    sets = VectorCells.objects.using(alias).filter(live=True).values_list("pk", "version_id")
    return found | {
        f"{INDEX_PREFIX}{version}_cells": upkeep.bytes_of(number, alias) for number, version in sets
    }


def _drop(name: str) -> None:
    """Drop an index in short, repeated attempts, because others queue behind a waiting lock.

    An attempt that is given up leaves the index invalid; the next attempt drops it.
    """
    connection = connections[router.db_for_write(ProductVectors)]
    statement = f"INDEX {{}} IF EXISTS {connection.ops.quote_name(name)}"
    if connection.in_atomic_block:
        _execute(f"DROP {statement.format('')}")
        return
    for attempt in range(1, DROP_ATTEMPTS + 1):
        try:
            with _session_setting(connection, "lock_timeout", f"{1000 * DROP_WAIT_S:.0f}"):
                _execute(f"DROP {statement.format('CONCURRENTLY')}")
            return
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            if attempt == DROP_ATTEMPTS:
                raise VersionError(
                    f"The index {name} is not dropped: a transaction holds {_TABLE} locked for "
                    f"{DROP_ATTEMPTS * DROP_WAIT_S:.0f} s (see pg_stat_activity). End it, and "
                    "try again."
                ) from error
            logger.info("Index %s is in use, attempt %d to drop it.", name, attempt)


@contextmanager
def _without_limits(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Lift the role's time limits, which are for pages: building an index may take long."""
    if connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
        yield
        return
    with (
        _session_setting(connection, "statement_timeout", "0"),
        _session_setting(connection, "lock_timeout", "0"),
    ):
        yield


@contextmanager
def _session_setting(connection: BaseDatabaseWrapper, name: str, value: str) -> Iterator[None]:
    """Change a session setting for a statement outside transactions; restore it afterwards."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        before = cursor.fetchone()[0]
        cursor.execute("SELECT set_config(%s, %s, false)", [name, value])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, %s, false)", [name, before])


def _execute(statement: str) -> None:
    logger.info("%s", statement)
    with connections[router.db_for_write(ProductVectors)].cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def _reported(alias: str, phase: str, progress: Progress | None) -> Iterator[None]:
    """Call ``progress`` from a second connection while the first connection builds an index."""
    connection = connections[alias]
    if progress is None or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    ended = threading.Event()
    watcher = threading.Thread(
        target=_watch, args=(alias, backend, phase, progress, ended), daemon=True
    )
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    progress(phase, 1, 1)


def _watch(
    alias: str, backend: int, phase: str, progress: Progress, ended: threading.Event
) -> None:
    try:
        while not ended.wait(POLL_S):
            with connections[alias].cursor() as cursor:
                cursor.execute(
                    "SELECT greatest(blocks_done, tuples_done), greatest(blocks_total, "
                    "tuples_total) FROM pg_stat_progress_create_index WHERE pid = %s",
                    [backend],
                )
                row = cursor.fetchone()
            if row and row[1] and not ended.is_set():
                progress(phase, min(row[0], row[1] - 1), row[1])
    finally:
        connections[alias].close()
