"""Counters and timers of this process for Prometheus: ``count``, ``observe`` and ``timed``.

:data:`METRICS` holds every name with its help and its labels. The calls cost a few microseconds and
never raise: a figure that cannot be kept is dropped, and logged once. Without ``prometheus_client``
(the extra ``metrics``) they have no effect.

gunicorn with several workers and Celery's prefork pool need ``PROMETHEUS_MULTIPROC_DIR``, set
before the process starts. Then each process writes to its own file there, and
:mod:`similarity.connections.metrics_export` reads the files together.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

try:
    import prometheus_client
except ImportError:  # the extra is not installed: metrics are off
    prometheus_client = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

PREFIX = "similarity_"

#: Combinations of labels kept for each metric. Later combinations get the values "other", so that
#: labels cannot fill the memory of processes and of Prometheus.
MOST_CHILDREN = 200
OTHER = "other"

#: Seconds. Queries matter between 1 and 20 ms; a batch takes from milliseconds to minutes.
QUERY_BUCKETS = (
    0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.0065, 0.008, 0.01, 0.015, 0.02, 0.03, 0.05,
    0.1, 0.25, 0.5, 1.0, 2.5,
)  # fmt: skip
WORK_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
DELAY_BUCKETS = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)


class Metric(NamedTuple):
    """A counter, or with ``buckets`` (upper bounds in the metric's unit) a histogram."""

    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


METRICS: dict[str, Metric] = {
    "query_seconds": Metric(
        "Time of a query of vectors, by the plan that answered.", ("plan", "tier"), QUERY_BUCKETS
    ),
    "shelf_seconds": Metric(
        "Time of a whole shelf, from the cache or computed.", ("shelf",), QUERY_BUCKETS
    ),
    "cache_total": Metric(
        "Look-ups in the cache: hit, miss, or down if it does not answer.", ("cache", "result")
    ),
    "batch_seconds": Metric(
        "Time a worker spends on a stage of one batch: read, encode or write.",
        ("stage",),
        WORK_BUCKETS,
    ),
    "encoded_total": Metric("Parts of products that a model or rule encoded.", ("part",)),
    "embed_errors_total": Metric("Products that failed to be embedded, by kind.", ("kind",)),
    "embed_delay_seconds": Metric(
        "Time from a product's change to its vectors being stored.", (), DELAY_BUCKETS
    ),
}

#: Bound methods of earlier measurements, by name and labels as the caller gave them.
_calls: dict[tuple[Any, ...], Callable[[float], Any]] = {}
_made: dict[str, Any] = {}  # name → the client's object
_children: dict[str, set[tuple[str, ...]]] = {}
_dropped: set[str] = set()  # names whose error is already logged


def count(name: str, amount: float = 1, **labels: str) -> None:
    """Add ``amount`` (0 or more) to a counter of :data:`METRICS`."""
    _measure(name, amount, labels)


def observe(name: str, value: float, **labels: str) -> None:
    """Put ``value``, usually seconds, into a histogram of :data:`METRICS`."""
    _measure(name, value, labels)


@contextmanager
def timed(name: str, **labels: str) -> Iterator[None]:
    """Observe the seconds that the block took, also if it ends in an error."""
    started = time.perf_counter()
    try:
        yield
    finally:
        _measure(name, time.perf_counter() - started, labels)


def _measure(name: str, value: float, labels: dict[str, str]) -> None:
    if prometheus_client is None:
        return
    try:
        key = (name, *labels.items())
        call = _calls.get(key)
        if call is None:
            call = _bind(name, labels)
            if len(_calls) < MOST_CHILDREN * len(METRICS):
                _calls[key] = call
        call(value)
    except Exception as error:  # noqa: BLE001 - a door: no figure is worth a page or a batch
        _drop(name, error)


def _bind(name: str, labels: dict[str, str]) -> Callable[[float], Any]:
    """Return the client's method for these labels; raise KeyError for unregistered names."""
    metric = METRICS[name]
    if unknown := labels.keys() - set(metric.labels):
        raise KeyError(f"{name} has no label {sorted(unknown)}; it has {metric.labels}")
    values = tuple(str(labels.get(label, "")) for label in metric.labels)
    known = _children.setdefault(name, set())
    if values not in known and len(known) >= MOST_CHILDREN:
        values = (OTHER,) * len(metric.labels)
    known.add(values)
    made = _client_metric(name, metric)
    child = made.labels(*values) if values else made
    return child.observe if metric.buckets else child.inc


def _client_metric(name: str, metric: Metric) -> Any:
    """Return the client's metric, made at its first use, so that unused metrics open no file."""
    if name not in _made:
        if directory := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            os.makedirs(directory, exist_ok=True)
        options: dict[str, Any] = {"registry": None}
        if metric.buckets:
            made: Any = prometheus_client.Histogram(
                PREFIX + name, metric.help, metric.labels, buckets=metric.buckets, **options
            )
        else:
            made = prometheus_client.Counter(PREFIX + name, metric.help, metric.labels, **options)
        _made.setdefault(name, made)
    return _made[name]


def made() -> list[Any]:
    """Return the client's metrics that this process has used."""
    return list(_made.values())


def _drop(name: str, error: Exception) -> None:
    if name not in _dropped:
        _dropped.add(name)
        logger.error("%r is not measured: %s: %s", name, type(error).__name__, error)
