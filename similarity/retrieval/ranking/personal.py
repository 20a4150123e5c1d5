"""How near results lie to what the shopper bought before."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from similarity.catalog.orders import get_order_adapter
from similarity.models import EncoderVersion
from similarity.retrieval.ranking.deadline import Reading
from similarity.retrieval.stored import FloatArray, StoredVectors, read_vectors
from similarity.retrieval.tastes import Taste, tastes

#: Products that tell a shopper's tastes, the latest bought.
LATEST = 20


def read_tastes(user: Any, version: EncoderVersion, reading: Reading) -> list[Taste]:
    """The tastes of a signed-in ``user``; none where orders tell nothing of the user.

    They are read of the host's orders for this one answer, and nothing is kept of them.
    """
    adapter = get_order_adapter() if getattr(user, "is_authenticated", False) else None
    if adapter is None:
        return []
    reading.step()
    bought = adapter.bought_by(user, LATEST, reading.using)
    if not bought:
        return []
    reading.step()
    liked = _fused(read_vectors(version, bought, ["fused"], reading.using))
    rows = list(liked.values())
    return tastes(np.stack(rows), np.empty((0, len(rows[0])), np.float32)) if rows else []


def taste_cosines(tastes: Sequence[Taste], rows: Mapping[Any, StoredVectors]) -> dict[Any, float]:
    """Key → cosine of its fused vector with the nearest of ``tastes``, in [-1, 1]."""
    judged = _fused(rows) if tastes else {}
    if not judged:
        return {}
    kinds = np.stack([taste.vector for taste in tastes])
    nearest = (np.stack(list(judged.values())) @ kinds.T).max(axis=1)
    return dict(zip(judged, nearest.tolist(), strict=True))


def _fused(rows: Mapping[Any, StoredVectors]) -> dict[Any, FloatArray]:
    """Key → fused vector of length one, which half precision leaves off by a thousandth."""
    found = {key: row.vectors["fused"] for key, row in rows.items() if row.has("fused")}
    return {key: row / np.float32(np.linalg.norm(row)) for key, row in found.items()}  # type: ignore[arg-type,operator]
