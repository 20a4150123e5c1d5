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
from typing import Any

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

_FORMAT = 1  # raised where what is kept beside a network changes its meaning


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
        with _folder(graph) as folder:
            name = _chosen(graph, samples, names, folder)
            if name == "torch":
                return Runtime()
            run = runtimes.load(name, graph, folder / "network.onnx", device.limit_threads())
            return Runtime(name, run)
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
    if file.exists():
        return str(json.loads(file.read_text())["runtime"])
    network = folder / "network.onnx"
    if not network.exists():
        _export(graph, folder)
    speeds = measure(graph, samples, names, network, threads)
    fastest = max(speeds, key=lambda name: speeds[name], default="torch")
    logger.info("The network is run by %s; rows a second: %s", fastest, _told(speeds))
    _write(file, json.dumps({"runtime": fastest, "rows_per_second": speeds}))
    return fastest


def measure(
    graph: Graph, samples: Sequence[Arrays], names: Sequence[str], network: Path, threads: int
) -> dict[str, float]:
    """Runtime → rows a second over the samples, of those whose vectors are torch's."""
    torch = runtimes.load("torch", graph, network, threads)
    expected = [unit_rows(torch(*arrays)) for arrays in samples]
    runs: dict[str, Run] = {}
    for name in names:
        run = _sound(name, graph, samples, expected, network, threads)
        if run is not None:
            runs[name] = run
    seconds = {name: float("inf") for name in runs}
    end = time.perf_counter() + TRIAL_S
    # In turn, so that what else the machine does is shared out; the best of the rounds counts.
    while len(runs) > 1 and (time.perf_counter() < end or float("inf") in seconds.values()):
        for name, run in runs.items():
            start = time.perf_counter()
            for arrays in samples:
                run(*arrays)
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    rows = sum(len(arrays[0]) for arrays in samples)
    return {name: round(rows / taken, 1) for name, taken in seconds.items()}


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
        run = runtimes.load(name, graph, network, threads)
        for arrays, rows in zip(samples, expected, strict=True):
            found = unit_rows(run(*arrays))
            cosine = float((found * rows).sum(axis=1).min())
            difference = float(np.abs(found - rows).max())
            if not (cosine >= LEAST_COSINE and difference <= MOST_DIFFERENCE):
                raise EncoderError(f"its vectors differ from torch's, cosine {cosine:.5f}")
    except Exception as error:  # noqa: BLE001 - as above: it is then no candidate
        logger.warning("%s does not run this network: %s", name, _cause(error))
        return None
    return run


def _export(graph: Graph, folder: Path) -> None:
    """Into a folder of its own first: a process that is killed leaves no half a network."""
    draft = folder / f"export-{os.getpid()}"
    draft.mkdir()
    try:
        runtimes.export(graph, draft / "network.onnx")
        for file in sorted(draft.iterdir(), key=lambda each: each.name == "network.onnx"):
            file.replace(folder / file.name)  # the network's own last, after its weights
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def _folder(graph: Graph) -> Iterator[Path]:
    """Where this network is kept, for its maker alone while it is held."""
    parts = [f"{_FORMAT}", graph.digest, *(f"{n}={_version(n)}" for n in runtimes.PACKAGES)]
    folder = home() / hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise EncoderError(
            f"{str(folder)!r} belongs to another user; name a folder of this one as "
            "SIMILARITY['RUNTIME_DIR']."
        )
    with (folder / "lock").open("w") as lock, _locked(lock.fileno()):
        yield folder


def home() -> Path:
    """The folder of exported networks: ``SIMILARITY["RUNTIME_DIR"]`` or the user's cache."""
    named = conf.get("RUNTIME_DIR")
    if named:
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(cache) / "django-similarity"


@contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    """Processes that start together wait for the first: it measures undisturbed."""
    try:
        import fcntl
    except ImportError:  # Windows: each tries for itself
        yield
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _machine(names: Sequence[str], threads: int) -> str:
    """Names candidates, processor and threads: the choice holds for machines alike."""
    about = [*names, device.processor(), platform.machine(), str(device.cores()), str(threads)]
    return hashlib.sha256("\n".join(about).encode()).hexdigest()[:16]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _write(file: Path, text: str) -> None:
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(text)
    draft.replace(file)


def _cause(error: BaseException) -> str:
    """The first line of what lies beneath: exporters wrap errors in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


def _told(speeds: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {speed:g}" for name, speed in speeds.items())
