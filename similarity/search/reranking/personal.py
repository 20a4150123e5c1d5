"""How near results are to the products that the shopper bought before."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from django.db import DatabaseError
from django.http import HttpRequest

from similarity.extension import PurchaseReader, first_known
from similarity.models import EncoderVersion, ProductVectors
from similarity.models.stored_vectors import FloatArray, StoredVectors, read_vectors
from similarity.search.budget import OutOfTime, TimedReading, was_ended
from similarity.similar.more_like import Taste, tastes

logger = logging.getLogger(__name__)

#: The latest purchases that define a shopper's tastes.
LATEST = 20

#: The share of the remaining time, because taste decides only between near equals and must not cost
#: the whole order.
TIME_SHARE = 0.25

#: Warnings that this process has logged, because every request of every shopper may fail alike.
_told: set[str] = set()


class Person(NamedTuple):
    """The shopper: a signed-in ``user`` whose orders count, and a ``request`` whose events do."""

    user: Any = None
    request: HttpRequest | None = None


UNKNOWN = Person()


def read_nearness(
    person: Person, keys: Sequence[Any], version: EncoderVersion, reading: TimedReading
) -> Mapping[Any, float] | None:
    """Return key → nearness to the shopper, in [-1, 1].

    It is the answer of the first app that knows the shopper of the request, for example by their
    events; else the cosine with the nearest taste in the orders of a signed-in user. Returns an
    empty dict for an unknown shopper. Returns None if the orders cannot be
    read, or not within :data:`TIME_SHARE`; the log reports it once a process. They are read from
    the host's orders for this request and not stored. Raises :class:`OutOfTime` if no time is left.
    """
    budget_ms = TIME_SHARE * reading.left_ms
    try:
        if person.request is not None and (own := _by_request(person, keys, reading, budget_ms)):
            return own
        if not getattr(person.user, "is_authenticated", False):
            return {}
        bought_by = first_known(lambda extension: extension.purchase_reader(), None)
        if bought_by is None:
            return {}
        with reading.aside(budget_ms):
            return _nearness(bought_by, person.user, keys, version, reading)
    except OutOfTime as error:
        _tell_slow(budget_ms, error)
    except DatabaseError as error:
        if was_ended(error):
            _tell_slow(budget_ms, error)
        else:
            _tell_failed(error)
    except Exception as error:  # noqa: BLE001 - a door: a host's adapter may raise any error
        _tell_failed(error)
    return None


def _by_request(
    person: Person, keys: Sequence[Any], reading: TimedReading, budget_ms: float
) -> Mapping[Any, float]:
    request, unknown = person.request, dict[Any, float]()
    assert request is not None  # noqa: S101 - the caller asks
    with reading.aside(budget_ms):
        found: Mapping[Any, float] = first_known(
            lambda one: one.nearness(request, keys, reading.using), unknown
        )
    return found


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
        f"purchases of the shopper were not read in {budget_ms:.0f} ms, {TIME_SHARE:.0%} of the "
        "time left. Make bought_by of SIMILARITY['ORDERS']['SOURCE'] fast, by an index on the "
        "path from user to order, or give rerank a larger budget_ms",
        error,
    )


def _tell_failed(error: Exception) -> None:
    _tell(
        type(error).__qualname__,
        "purchases of the shopper cannot be read. Correct bought_by of "
        "SIMILARITY['ORDERS']['SOURCE'], or leave out its 'user'",
        error,
    )


def _tell(kind: str, what: str, error: Exception) -> None:
    if kind not in _told:
        _told.add(kind)
        logger.warning("Results are re-ordered without taste: %s.", what, exc_info=error)


def taste_cosines(tastes: Sequence[Taste], rows: Mapping[Any, StoredVectors]) -> dict[Any, float]:
    """Return key → cosine of its fused vector with the nearest of ``tastes``, in [-1, 1]."""
    judged = _fused(rows) if tastes else {}
    if not judged:
        return {}
    kinds = np.stack([taste.vector for taste in tastes])
    nearest = (np.stack(list(judged.values())) @ kinds.T).max(axis=1)
    return dict(zip(judged, nearest.tolist(), strict=True))


def _fused(rows: Mapping[Any, StoredVectors]) -> dict[Any, FloatArray]:
    """Return key → fused vector scaled to length one; half precision is off by a thousandth."""
    found = {key: row.vectors["fused"] for key, row in rows.items() if row.has("fused")}
    return {key: row / np.float32(np.linalg.norm(row)) for key, row in found.items()}  # type: ignore[arg-type,operator]
