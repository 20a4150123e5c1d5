"""Choice of a network's runtime: the fastest on this machine that gives torch's vectors.

The first process to load a network tries all runtimes, which takes ten to forty seconds. It writes
the result beside the exported network, and later processes read it. After any failure torch runs
the network.
"""

import hashlib
import json
import logging
import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy.typing as npt

from similarity import conf
from similarity.encoders import device, runtimes
from similarity.encoders.base import FloatArray
from similarity.encoders.runtimes import Arrays, Graph, Run
from similarity.encoders.speeds import Speed, cause, fastest, measure
from similarity.exceptions import ConfigurationError, EncoderError

logger = logging.getLogger(__name__)


NETWORK = "network.onnx"
_FORMAT = 1  # raise it when the files kept beside a network change their meaning


class Runtime:
    """A network run by the chosen runtime; ``name`` is ``torch`` if torch runs it."""

    def __init__(self, name: str = "torch", run: Run | None = None) -> None:
        self.name = name
        self._run = run

    def __call__(self, *arrays: npt.NDArray[Any]) -> FloatArray | None:
        """Return vectors (N, D), or None if torch must make them, permanently after an error."""
        if self._run is None:
            return None
        try:
            return self._run(*arrays)
        except Exception as error:  # noqa: BLE001 - a runtime's own errors, and torch can do it
            logger.warning("torch takes over from %s, which failed: %s", self.name, cause(error))
            self.name, self._run = "torch", None
            return None


def choose(graph: Graph, samples: Sequence[Arrays]) -> Runtime:
    """Return the runtime of a network on the CPU, from a trial on ``samples`` or an earlier trial.

    Raises :class:`ConfigurationError` for a ``WORKERS["RUNTIME"]`` that is not known or not
    installed. Any other failure is logged, and torch runs the network.
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
        logger.warning("The network stays with torch: %s", cause(error))
        return Runtime()


def _candidates() -> list[str]:
    wanted = str(conf.get("WORKERS", "RUNTIME"))
    if wanted == "auto":
        return [name for name in runtimes.NAMES if runtimes.installed(name)]
    if wanted not in runtimes.NAMES:
        raise ConfigurationError(
            f"SIMILARITY['WORKERS']['RUNTIME'] is {wanted!r}; use auto, "
            f"{', '.join(runtimes.NAMES)}."
        )
    if not runtimes.installed(wanted):
        raise ConfigurationError(
            f"SIMILARITY['WORKERS']['RUNTIME'] is {wanted!r}, whose packages are not installed; "
            f"they come with {runtimes.INSTALL}. 'auto' uses the installed runtimes."
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


def _export(graph: Graph, folder: Path) -> None:
    """Export into a separate folder first, so that a killed process leaves no half a network."""
    draft = folder / "export"
    shutil.rmtree(draft, ignore_errors=True)  # left by a dead process, because the lock is held
    draft.mkdir()
    runtimes.export(graph, draft / NETWORK)
    for file in sorted(draft.iterdir(), key=lambda each: each.name == NETWORK):
        file.replace(folder / file.name)  # the network file last, after its weights
    draft.rmdir()


def _folder(graph: Graph) -> Path:
    """Return the folder that keeps this network."""
    parts = [f"{_FORMAT}", graph.digest, *(f"{n}={_version(n)}" for n in runtimes.PACKAGES)]
    folder = home() / hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EncoderError(
            f"exported networks cannot be kept in {str(folder.parent)!r} ({error.strerror}); name "
            "a folder that the worker can write as SIMILARITY['WORKERS']['RUNTIME_DIR']."
        ) from None
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise EncoderError(
            f"{str(folder)!r} belongs to another user; name a folder of this one as "
            "SIMILARITY['WORKERS']['RUNTIME_DIR']."
        )
    return folder


def home() -> Path:
    """Return the folder of exported networks: ``WORKERS["RUNTIME_DIR"]`` or the user's cache."""
    named = conf.get("WORKERS", "RUNTIME_DIR")
    if named:
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(cache) / "django-similarity" / "networks"


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Hold a lock, so that only one process measures at a time; the system frees it if it dies."""
    try:
        import fcntl
    except ImportError:  # Windows: each process tries for itself
        yield
        return
    with file.open("w") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def _machine(names: Sequence[str], threads: int) -> str:
    """Return a digest of candidates, processor and threads; equal machines share the choice."""
    about = [*names, device.processor(), platform.machine(), str(device.cores()), str(threads)]
    return hashlib.sha256("\n".join(about).encode()).hexdigest()[:16]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _told(speeds: Mapping[str, Speed]) -> str:
    return ", ".join(f"{name} {speed.rows_per_second:g}" for name, speed in speeds.items())
