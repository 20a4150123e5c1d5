"""How near results lie to what the shopper bought before."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.db import DatabaseError

from similarity.extension import PurchaseReader, first_known
from similarity.models import EncoderVersion, ProductVectors
from similarity.models.stored_vectors import FloatArray, StoredVectors, read_vectors
from similarity.search.budget import was_ended
from similarity.search.reranking.deadline import OutOfTime, TimedReading
from similarity.similar.more_like import Taste, tastes

logger = logging.getLogger(__name__)

#: Products that tell a shopper's tastes, the latest bought.
LATEST = 20

#: Of the time that is left: taste decides between equals, and must not cost the whole order.
TIME_SHARE = 0.25

#: What the log of this process has been told. Every request of every shopper may fail alike.
_told: set[str] = set()


def read_nearness(
    user: Any, keys: Sequence[Any], version: EncoderVersion, reading: TimedReading
) -> dict[Any, float] | None:
    """Key → cosine with the nearest taste of a signed-in ``user``, in [-1, 1].

    Empty where orders tell nothing of the user, None where they cannot be read, or not within
    :data:`TIME_SHARE`: the log says so once a process. They are read of the host's orders for
    this one answer, and nothing is kept of them. Raises :class:`OutOfTime` where no time is left.
    """
    budget_ms = TIME_SHARE * reading.left_ms
    try:
        if not getattr(user, "is_authenticated", False):
            return {}
        bought_by = first_known(lambda extension: extension.purchase_reader(), None)
        if bought_by is None:
            return {}
        with reading.aside(budget_ms):
            return _nearness(bought_by, user, keys, version, reading)
    except OutOfTime as error:
        _tell_slow(budget_ms, error)
    except DatabaseError as error:
        if was_ended(error):
            _tell_slow(budget_ms, error)
        else:
            _tell_failed(error)
    except Exception as error:  # noqa: BLE001 - a door: what a host's adapter raises is unknown
        _tell_failed(error)
    return None


def _nearness(
    bought_by: PurchaseReader,
    user: Any,
    keys: Sequence[Any],
    version: EncoderVersion,
    reading: TimedReading,
) -> dict[Any, float]:
    key_of = ProductVectors._meta.get_field("product").target_field.to_python
    bought = [key_of(key) for key in bought_by(user, LATEST, reading.using)]
    if not bought:
        return {}
    reading.check()
    rows = read_vectors(version, {*bought, *keys}, ["fused"], reading.using)
    liked = list(_fused({key: rows[key] for key in bought if key in rows}).values())
    if not liked:
        return {}
    kinds = tastes(np.stack(liked), np.empty((0, len(liked[0])), np.float32))
    return taste_cosines(kinds, {key: rows[key] for key in keys if key in rows})


def _tell_slow(budget_ms: float, error: Exception) -> None:
    _tell(
        "slow",
        f"what the shopper bought was not read in {budget_ms:.0f} ms, {TIME_SHARE:.0%} of the time "
        "left. Make bought_by of SIMILARITY['ORDERS']['SOURCE'] fast, by an index on the path from "
        "user to order, or give rerank a larger budget_ms",
        error,
    )


def _tell_failed(error: Exception) -> None:
    _tell(
        type(error).__qualname__,
        "what the shopper bought cannot be read. Correct bought_by of "
        "SIMILARITY['ORDERS']['SOURCE'], or leave its 'user' out",
        error,
    )


def _tell(kind: str, what: str, error: Exception) -> None:
    if kind not in _told:
        _told.add(kind)
        logger.warning("Results are re-ordered without taste: %s.", what, exc_info=error)


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
