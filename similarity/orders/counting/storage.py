"""Convert counts between numpy arrays and packed rows, and write them by COPY.

COPY in PostgreSQL's binary format, built from whole arrays, is the fastest way to write rows.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from django.db import OperationalError, connections, transaction
from django.db.models import Model
from numpy.typing import NDArray
from psycopg.sql import SQL, Identifier

from similarity.orders.counting.engine import PairBlock
from similarity.orders.models import (
    CountedBasket,
    CountedItem,
    CountedProduct,
    PairCounts,
    ProductPartners,
)

#: numpy integer type → PostgreSQL oid.
OIDS = {">i4": 23, ">i8": 20}

#: Units before an array's elements: its length in bytes, dimensions, flags, oid, size, lower bound.
_HEAD = 12


def rows_of_arrays(
    number: NDArray[np.integer],
    starts: NDArray[np.integer],
    columns: Sequence[tuple[NDArray[Any], str]],
) -> bytes:
    """Return R encoded rows, each with an int4 and an array for each of ``columns``.

    ``number`` is (R,). Row n has elements ``starts[n]`` to ``starts[n + 1]`` of each column, at
    least 1. A column is its values and their type, a key of :data:`OIDS`.
    """
    length = np.diff(starts)
    widths = [2 + np.dtype(kind).itemsize // 2 for _values, kind in columns]
    units = 5 + _HEAD * len(columns) + length * sum(widths)
    ends = np.cumsum(units)
    out = np.empty(int(ends[-1]) if len(ends) else 0, np.uint16)
    at = ends - units
    _put(out, at, np.full(len(at), 1 + len(columns)), ">i2")
    _put(out, at + 1, np.full(len(at), 4), ">i4")
    _put(out, at + 3, number, ">i4")
    at = at + 5
    for (values, kind), width in zip(columns, widths, strict=True):
        heads: tuple[Any, ...] = (20 + 2 * width * length, 1, 0, OIDS[kind], length, 1)
        for place, value in enumerate(heads):
            _put(out, at + 2 * place, np.broadcast_to(value, at.shape), ">i4")
        begin = np.repeat(at + _HEAD - width * (starts[:-1] - starts[0]), length)
        element = begin + width * np.arange(len(begin))
        _put(out, element, np.full(len(element), np.dtype(kind).itemsize), ">i4")
        _put(out, element + 2, values[starts[0] : starts[-1]], kind)
        at = at + _HEAD + width * length
    return out.tobytes()


def _put(out: NDArray[np.uint16], at: NDArray[Any], values: NDArray[Any], kind: str) -> None:
    """Write values of one type at positions ``at`` of ``out``."""
    units = values.astype(kind).view(np.uint16).reshape(len(values), np.dtype(kind).itemsize // 2)
    for unit in range(units.shape[1]):
        out[at + unit] = units[:, unit]


#: A partner of an item: its number and the counts of the pair, sorted by number.
PAIR = np.dtype([("second", "<i4"), ("weight", "<i8"), ("orders", "<i4"), ("shoppers", "<i4")])

#: item number → its partners, an array of PAIR
Rows = dict[int, NDArray[np.void]]

#: The most frequent kind of pair: one order of one shopper. Its other counts are 1, and its weight
#: is small.
ONCE = np.dtype([("second", "<i4"), ("weight", "<i4")])

#: Bytes per write to the connection.
WRITE_BYTES = 1 << 20

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_COUNT = struct.Struct("<i")
_count = _COUNT.pack


def pack_numbers(numbers: Sequence[int]) -> bytes:
    """Return whole numbers packed as int32 for ``CountedBasket.products``."""
    return np.asarray(numbers, "<i4").tobytes()


def unpack_numbers(packed: bytes | memoryview) -> list[int]:
    numbers: list[int] = np.frombuffer(packed, "<i4").tolist()
    return numbers


def pack_pairs(pairs: NDArray[np.void]) -> bytes:
    """Return pairs of one item packed for ``PairCounts.pairs``.

    The bytes are the number of :data:`ONCE` pairs, those pairs, then the other pairs.
    """
    once = (pairs["orders"] == 1) & (pairs["shoppers"] == 1)
    return b"".join((_count(int(once.sum())), _once(pairs[once]).tobytes(), pairs[~once].tobytes()))


def unpack_pairs(packed: bytes | memoryview) -> NDArray[np.void]:
    """Return a row of ``PairCounts`` as an array of :data:`PAIR`."""
    (number,) = _COUNT.unpack_from(packed)
    once = np.frombuffer(packed, ONCE, number, _COUNT.size)
    others = np.frombuffer(packed, PAIR, offset=_COUNT.size + once.nbytes)
    pairs = np.ones(len(once) + len(others), PAIR)
    pairs["second"][: len(once)] = once["second"]
    pairs["weight"][: len(once)] = once["weight"]
    pairs[len(once) :] = others
    return pairs[np.argsort(pairs["second"])]


def copy_into(
    cursor: Any, table: str, columns: Sequence[str], rows: Iterable[bytes | memoryview]
) -> None:
    """Write rows in COPY's binary format to a table."""
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with cursor.db.wrap_database_errors, cursor.copy(statement) as copy:
        copy.write(_HEADER)
        for some in _gathered(rows):
            copy.write(some)
        copy.write(_TRAILER)


def text_field(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("!i", len(encoded)) + encoded


def text_array_field(texts: Sequence[str]) -> bytes:
    if not texts:
        return struct.pack("!iiii", 12, 0, 0, 25)
    held = b"".join(text_field(text) for text in texts)
    return struct.pack("!iiiiii", 20 + len(held), 1, 0, 25, len(texts), 1) + held


def copy_pairs(cursor: Any, block: PairBlock) -> None:
    """Write every pair of a block of counts to ``PairCounts``."""
    if not len(block.first):
        return
    starts = row_starts(block.first)
    is_once = (block.orders == 1) & (block.shoppers == 1)
    lengths = np.diff(starts, append=len(block.first))
    ones = np.add.reduceat(is_once, starts, dtype=np.int64)
    once, others = _packed(block, is_once, ONCE), _packed(block, ~is_once, PAIR)
    head = struct.Struct("!hiii").pack

    def rows() -> Iterator[bytes | memoryview]:
        one = other = 0
        for number, of_one, length in zip(
            block.first[starts].tolist(), ones.tolist(), lengths.tolist(), strict=True
        ):
            held = once[one : (one := one + of_one * ONCE.itemsize)]
            more = others[other : (other := other + (length - of_one) * PAIR.itemsize)]
            yield head(2, 4, number, _COUNT.size + len(held) + len(more)) + _count(of_one)
            yield held
            yield more

    copy_into(cursor, PairCounts._meta.db_table, ("number", "pairs"), rows())


def row_starts(first: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the start of each item's pairs; ``first`` is sorted."""
    begins = np.ones(len(first), bool)
    np.not_equal(first[1:], first[:-1], out=begins[1:])
    return np.flatnonzero(begins)


def copy_partners(
    cursor: Any, firsts: NDArray[np.integer], starts: NDArray[np.integer], best: NDArray[np.void]
) -> None:
    """Write chosen and sorted partners to ``ProductPartners``."""
    columns = [
        (best["second"], ">i4"),
        (best["weight"], ">i8"),
        (best["orders"], ">i4"),
        (best["shoppers"], ">i4"),
    ]
    names = ("number", "partners", "weights", "orders", "shoppers")
    rows = rows_of_arrays(firsts, starts, columns)
    copy_into(cursor, ProductPartners._meta.db_table, names, [rows])


def empty_tables(alias: str) -> None:
    """Delete every count except the run, within the caller's transaction.

    Rows that pages read are deleted one by one, so that pages do not wait. Tables that only
    counting reads are truncated, unless another session (such as a backup) holds a lock on the
    table.
    """
    with connections[alias].cursor() as cursor:
        for table in _tables(CountedProduct, CountedItem, ProductPartners):
            cursor.execute(SQL("DELETE FROM {}").format(table))
        for table in _tables(CountedBasket, PairCounts):
            try:
                with transaction.atomic(using=alias):
                    cursor.execute("SET LOCAL lock_timeout TO '1s'")
                    cursor.execute(SQL("TRUNCATE {}").format(table))
                    cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
            except OperationalError:
                cursor.execute(SQL("DELETE FROM {}").format(table))


def _tables(*models: type[Model]) -> list[Identifier]:
    return [Identifier(model._meta.db_table) for model in models]


def _once(pairs: NDArray[np.void]) -> NDArray[np.void]:
    packed = np.empty(len(pairs), ONCE)
    packed["second"], packed["weight"] = pairs["second"], pairs["weight"]
    return packed


def _packed(block: PairBlock, chosen: NDArray[np.bool_], kind: np.dtype[np.void]) -> memoryview:
    """Return the chosen pairs of a block as bytes."""
    packed = np.empty(int(chosen.sum()), kind)
    for name in kind.names or ():
        packed[name] = getattr(block, name)[chosen]
    return packed.view(np.uint8).data


def _gathered(rows: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Join small pieces and yield writes of about WRITE_BYTES."""
    waiting: list[bytes | memoryview] = []
    size = 0
    for row in rows:
        waiting.append(row)
        size += len(row)
        if size >= WRITE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)
