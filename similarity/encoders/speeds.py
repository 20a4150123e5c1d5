"""The speed of each runtime on this machine, and a check of its vectors against torch's."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from similarity.encoders import runtimes
from similarity.encoders.base import FloatArray, unit_rows
from similarity.encoders.runtimes import Arrays, Graph, Run
from similarity.exceptions import EncoderError

logger = logging.getLogger(__name__)

LEAST_COSINE = 0.9999
MOST_DIFFERENCE = 1e-3  # in a unit vector's coordinate: the tolerance of the encoders' contract

#: Seconds of measuring; each candidate runs all samples at least once.
TRIAL_S = 6.0

#: Other processes on the machine can cause a difference this small.
ABOUT_AS_FAST = 0.85

#: Processes that may die while they try a runtime. After that it is left out.
MOST_DEATHS = 2


class Speed(NamedTuple):
    rows_per_second: float
    cpu_ms: float  # of a row, all threads together


def measure(
    graph: Graph, samples: Sequence[Arrays], names: Sequence[str], network: Path, threads: int
) -> dict[str, Speed]:
    """Return the speed over the samples of each runtime whose vectors equal torch's."""
    torch = runtimes.load("torch", graph, network, threads)
    expected = [unit_rows(torch(*arrays)) for arrays in samples]
    runs: dict[str, Run] = {}
    for name in names:
        run = _sound(name, graph, samples, expected, network, threads)
        if run is not None:
            runs[name] = run
    rows = sum(len(arrays[0]) for arrays in samples)
    best = {name: Speed(0.0, float("inf")) for name in runs}
    end = time.perf_counter() + TRIAL_S
    measured = False
    # In turn, so that other load on the machine is shared. The best of the rounds counts.
    while len(runs) > 1 and (time.perf_counter() < end or not measured):
        measured = True
        for name, run in runs.items():
            start, cpu = time.perf_counter(), time.process_time()
            for arrays in samples:
                run(*arrays)
            wall, used = time.perf_counter() - start, time.process_time() - cpu
            best[name] = Speed(
                max(best[name].rows_per_second, round(rows / wall, 1)),
                min(best[name].cpu_ms, round(1000 * used / rows, 2)),
            )
    return best


def fastest(speeds: Mapping[str, Speed]) -> str:
    """Return the runtime of least processor time among those about as fast as the fastest."""
    top = max((speed.rows_per_second for speed in speeds.values()), default=0.0)
    level = {n: s for n, s in speeds.items() if s.rows_per_second >= ABOUT_AS_FAST * top}
    return min(level, key=lambda name: level[name].cpu_ms, default="torch")


def _sound(
    name: str,
    graph: Graph,
    samples: Sequence[Arrays],
    expected: Sequence[FloatArray],
    network: Path,
    threads: int,
) -> Run | None:
    """Return the network by a runtime, warmed up; None if it fails or gives other vectors."""
    try:
        with _survived(name, network):
            run = runtimes.load(name, graph, network, threads)
            for arrays, rows in zip(samples, expected, strict=True):
                _compare(unit_rows(run(*arrays)), rows)
    except Exception as error:  # noqa: BLE001 - as above: it is then no candidate
        logger.warning("%s does not run this network: %s", name, cause(error))
        return None
    return run


def _compare(found: FloatArray, expected: FloatArray) -> None:
    cosine = float((found * expected).sum(axis=1).min())
    difference = float(np.abs(found - expected).max())
    if not (cosine >= LEAST_COSINE and difference <= MOST_DIFFERENCE):
        raise EncoderError(f"its vectors differ from torch's, cosine {cosine:.5f}")


@contextmanager
def _survived(name: str, network: Path) -> Iterator[None]:
    """Refuse a runtime that twice did not return, because it ends the whole process.

    A worker that dies of it is started again, and would die again at the same place.
    """
    if name == "torch":  # it has run the network already
        yield
        return
    mark = network.with_name(f"trying-{name}")
    left = len(mark.read_text()) if mark.exists() else 0
    if left >= MOST_DEATHS:
        raise EncoderError(f"{left} processes died while they tried it; see {str(mark)!r}")
    mark.write_text("x" * (left + 1))
    try:
        yield
    finally:
        mark.unlink()


def cause(error: BaseException) -> str:
    """Return the first line of the root cause, because exporters wrap errors in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
