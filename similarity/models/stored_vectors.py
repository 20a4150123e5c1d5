"""Stored vectors, read as arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import BinaryField, F, Func

from similarity.models import EncoderVersion, ProductVectors
from similarity.types import FloatArray


@dataclass(frozen=True)
class StoredVectors:
    """A product's row: its variants' group, its category's number, and its vectors.

    ``vectors`` maps each column to float32 (D,) or None.
    """

    key: Any
    group: str
    vectors: dict[str, FloatArray | None]
    category: int = 0

    def has(self, column: str) -> bool:
        """Return True if the column has a direction to compare; a zero vector has no direction."""
        vector = self.vectors.get(column)
        return vector is not None and bool(np.any(vector))


def read_vectors(
    version: EncoderVersion, keys: Iterable[Any], columns: Sequence[str], using: str
) -> dict[Any, StoredVectors]:
    """Return a row for each key of ``keys`` with vectors of ``version``; runs one query."""
    # Reading the binary form is some ten times faster than reading the text form.
    binary = {
        f"{column}_binary": Func(F(column), function="halfvec_send", output_field=BinaryField())
        for column in columns
    }
    rows = (
        ProductVectors.objects.using(using)
        .of_version(version)
        .filter(product_id__in=list(keys))
        .values_list("product_id", "group", "category", *binary.values())
    )
    return {
        key: StoredVectors(
            key,
            group,
            {column: array(value) for column, value in zip(columns, values, strict=True)},
            category,
        )
        for key, group, category, *values in rows
    }


def array(binary: Any) -> FloatArray | None:
    """Read pgvector's wire form of a halfvec: two int16 (length, unused), big-endian halves."""
    if binary is None:
        return None
    return np.frombuffer(bytes(binary), dtype=">f2", offset=4).astype(np.float32)


def vector_literal(vector: FloatArray) -> str:
    """Return the text form of a halfvec; six digits hold a half exactly."""
    return "[" + ",".join(f"{value:.6g}" for value in vector.tolist()) + "]"
