"""Which runtime a network is run by: the fastest on this machine that gives torch's vectors.

The first process to load a network tries them all, for some ten seconds, and writes down
what it found beside the exported network; those that come after read it. Whatever fails
leaves torch in charge.
"""

import hashlib
import json
import logging
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from similarity import conf
from similarity.encoders import device, runtimes
from similarity.encoders.base import FloatArray, unit_rows
from similarity.encoders.runtimes import Arrays, Graph, Run
from similarity.exceptions import ConfigurationError, EncoderError

logger = logging.getLogger(__name__)

LEAST_COSINE = 0.9999
MOST_DIFFERENCE = 1e-3  # in a coordinate of the unit vectors: what the encoders' contract allows

#: Seconds of measuring; each candidate runs all samples once in any case.
TRIAL_S = 6.0

#: A difference that another process on the machine makes is none between runtimes.
ABOUT_AS_FAST = 0.85

#: Processes that may die while they try one runtime; it is left out after that.
MOST_DEATHS = 2

NETWORK = "network.onnx"
_FORMAT = 1  # raised where what is kept beside a network changes its meaning


class Speed(NamedTuple):
    rows_per_second: float
    cpu_ms: float  # of a row, all threads together


class Runtime:
    """A network by the runtime that was chosen; ``name`` is ``torch`` where that is torch."""

    def __init__(self, name: str = "torch", run: Run | None = None) -> None:
        self.name = name
        self._run = run

    def __call__(self, *arrays: npt.NDArray[Any]) -> FloatArray | None:
        """Vectors (N, D), or None where torch has to make them, for good after an error."""
        if self._run is None:
            return None
        try:
            return self._run(*arrays)
        except Exception as error:  # noqa: BLE001 - a runtime's own errors, and torch can do it
            logger.warning("torch takes over from %s, which failed: %s", self.name, _cause(error))
            self.name, self._run = "torch", None
            return None


def choose(graph: Graph, samples: Sequence[Arrays]) -> Runtime:
    """The runtime for a network on the CPU, by trial on ``samples`` or as one before found.

    Raises :class:`ConfigurationError` for a ``SIMILARITY["RUNTIME"]`` that is not known or
    not installed. Any other failure is logged and means torch.
    """
    names = _candidates()
    if names == ["torch"]:
        return Runtime()
    try:
        folder = _folder(graph)
        name = _chosen(graph, samples, names, folder)
        if name == "torch":
            return Runtime()
        return Runtime(name, runtimes.load(name, graph, folder / NETWORK, device.limit_threads()))
    except Exception as error:  # noqa: BLE001 - exporters and runtimes raise what they like
        logger.warning("The network stays with torch: %s", _cause(error))
        return Runtime()


def _candidates() -> list[str]:
    wanted = str(conf.get("RUNTIME"))
    if wanted == "auto":
        return [name for name in runtimes.NAMES if runtimes.installed(name)]
    if wanted not in runtimes.NAMES:
        raise ConfigurationError(
            f"SIMILARITY['RUNTIME'] is {wanted!r}; use auto, {', '.join(runtimes.NAMES)}."
        )
    if not runtimes.installed(wanted):
        raise ConfigurationError(
            f"SIMILARITY['RUNTIME'] is {wanted!r}, whose packages are not installed; they come "
            f"with {runtimes.INSTALL}. 'auto' takes what is there."
        )
    return [wanted]


def _chosen(graph: Graph, samples: Sequence[Arrays], names: list[str], folder: Path) -> str:
    threads = device.limit_threads()
    file = folder / f"choice-{_machine(names, threads)}.json"
    if not file.exists():
        with _locked(folder / "lock"):  # processes that start together wait for the first
            if not file.exists():
                _try(graph, samples, names, file, threads)
    return str(json.loads(file.read_text())["runtime"])


def _try(
    graph: Graph, samples: Sequence[Arrays], names: Sequence[str], file: Path, threads: int
) -> None:
    network = file.parent / NETWORK
    if not network.exists():
        _export(graph, file.parent)
    speeds = measure(graph, samples, names, network, threads)
    name = fastest(speeds)
    logger.info("The network is run by %s; rows a second: %s", name, _told(speeds))
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(
        json.dumps({"runtime": name, "speeds": {n: s._asdict() for n, s in speeds.items()}})
    )
    draft.replace(file)


def measure(
    graph: Graph, samples: Sequence[Arrays], names: Sequence[str], network: Path, threads: int
) -> dict[str, Speed]:
    """Runtime → its speed over the samples, of those whose vectors are torch's."""
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
    # In turn, so that what else the machine does is shared out; the best of the rounds counts.
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
    """Of those about as fast as the fastest, the one that takes the least processor time."""
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
    """The network by one runtime, warmed up; None where it fails or gives other vectors."""
    try:
        with _survived(name, network):
            run = runtimes.load(name, graph, network, threads)
            for arrays, rows in zip(samples, expected, strict=True):
                _compare(unit_rows(run(*arrays)), rows)
    except Exception as error:  # noqa: BLE001 - as above: it is then no candidate
        logger.warning("%s does not run this network: %s", name, _cause(error))
        return None
    return run


def _compare(found: FloatArray, expected: FloatArray) -> None:
    cosine = float((found * expected).sum(axis=1).min())
    difference = float(np.abs(found - expected).max())
    if not (cosine >= LEAST_COSINE and difference <= MOST_DIFFERENCE):
        raise EncoderError(f"its vectors differ from torch's, cosine {cosine:.5f}")


def _export(graph: Graph, folder: Path) -> None:
    """Into a folder of its own first: a process that is killed leaves no half a network."""
    draft = folder / "export"
    shutil.rmtree(draft, ignore_errors=True)  # of one that was; the lock is ours
    draft.mkdir()
    runtimes.export(graph, draft / NETWORK)
    for file in sorted(draft.iterdir(), key=lambda each: each.name == NETWORK):
        file.replace(folder / file.name)  # the network's own last, after its weights
    draft.rmdir()


@contextmanager
def _survived(name: str, network: Path) -> Iterator[None]:
    """Refuse a runtime that twice did not come back: it takes the whole process with it.

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


def _folder(graph: Graph) -> Path:
    """Where this network is kept."""
    parts = [f"{_FORMAT}", graph.digest, *(f"{n}={_version(n)}" for n in runtimes.PACKAGES)]
    folder = home() / hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise EncoderError(
            f"{str(folder)!r} belongs to another user; name a folder of this one as "
            "SIMILARITY['RUNTIME_DIR']."
        )
    return folder


def home() -> Path:
    """The folder of exported networks: ``SIMILARITY["RUNTIME_DIR"]`` or the user's cache."""
    named = conf.get("RUNTIME_DIR")
    if named:
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(cache) / "django-similarity"


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """One process at a time, so that it measures undisturbed; freed when it dies."""
    try:
        import fcntl
    except ImportError:  # Windows: each tries for itself
        yield
        return
    with file.open("w") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def _machine(names: Sequence[str], threads: int) -> str:
    """Names candidates, processor and threads: the choice holds for machines alike."""
    about = [*names, device.processor(), platform.machine(), str(device.cores()), str(threads)]
    return hashlib.sha256("\n".join(about).encode()).hexdigest()[:16]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _cause(error: BaseException) -> str:
    """The first line of what lies beneath: exporters wrap errors in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


def _told(speeds: Mapping[str, Speed]) -> str:
    return ", ".join(f"{name} {speed.rows_per_second:g}" for name, speed in speeds.items())
