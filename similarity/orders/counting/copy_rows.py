"""Encode rows with arrays in COPY's binary format, whole columns at a time.

Every value in the format has an even number of bytes, so rows are arrays of 16-bit units.
https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
