"""The metrics as text for Prometheus: of this process, or of all processes on this machine.

With ``PROMETHEUS_MULTIPROC_DIR`` the text covers every process of the machine that shares the
folder: gunicorn's workers and those of Celery. A process that ended leaves its files behind. Its
counts must stay, because Prometheus would take a falling sum for a restart. So its files are added
into one file of ended processes, and the folder does not grow with each restart.
"""

import logging
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from similarity.connections import metrics
from similarity.exceptions import ConfigurationError

logger = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: Files of these kinds hold sums. Gauges are left to the processes that write them.
SUMMED = ("counter", "histogram", "summary")
#: Takes the place of a process's number in the name of the file of ended processes.
DEAD = "dead"
LOCK = ".similarity-lock"

_threads = threading.Lock()  # a file lock holds between processes, this lock between threads
_serving: list[Any] = []


class Gauge(NamedTuple):
    """A current value: ``name`` without its prefix, label → value."""

    name: str
    help: str
    values: Iterable[tuple[Mapping[str, str], float]]


def available() -> bool:
    """Return True if ``prometheus_client`` is installed."""
    return metrics.prometheus_client is not None


def text(gauges: Iterable[Gauge] = ()) -> bytes:
    """Return all metrics of the plugin and the given gauges, in Prometheus' text format.

    Raises :class:`ConfigurationError` without ``prometheus_client``.
    """
    if not available():
        raise ConfigurationError(
            "prometheus_client is not installed; run pip install 'django-similarity[metrics]'."
        )
    registry = metrics.prometheus_client.CollectorRegistry()
    registry.register(_Collector(gauges))
    return metrics.prometheus_client.generate_latest(registry)


class _Collector:
    """A collector for the client's registry; ``describe`` avoids collecting at registration."""

    def __init__(self, gauges: Iterable[Gauge]) -> None:
        self.gauges = gauges

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        yield from _measured()
        for gauge in self.gauges:
            values = list(gauge.values)
            labels = list(values[0][0]) if values else []
            family = GaugeMetricFamily(metrics.PREFIX + gauge.name, gauge.help, labels=labels)
            for named, value in values:
                family.add_metric([str(named[label]) for label in labels], value)
            yield family


def _measured() -> list[Any]:
    """Return families of counters and histograms, without the host's own in the same folder."""
    if not (folder := shared_folder()):
        return [family for made in metrics.made() for family in made.collect()]
    from prometheus_client.multiprocess import MultiProcessCollector

    with _locked(folder):
        add_up_dead(folder)
        files = [str(path) for path in folder.glob("*.db") if path.name.startswith(SUMMED)]
        families = MultiProcessCollector.merge(files, accumulate=True)
    return [family for family in families if family.name.startswith(metrics.PREFIX)]


def shared_folder() -> Path | None:
    """Return the folder of this machine's shared metrics; None if each process keeps its own."""
    named = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not named:
        return None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def add_up_dead(folder: Path) -> int:
    """Add the files of ended processes to one file and delete them; return how many were deleted.

    The caller holds the folder's lock. Containers must not share the folder, because their
    processes have the same numbers.
    """
    from prometheus_client.mmap_dict import MmapedDict

    gone = 0
    for kind in SUMMED:
        files = [path for path in folder.glob(f"{kind}_*.db") if _has_ended(path)]
        if not files:
            continue
        kept = folder / f"{kind}_{DEAD}.db"
        sums: dict[str, float] = {}
        for path in [*files, *([kept] if kept.exists() else [])]:
            for key, value, *_rest in MmapedDict.read_all_values_from_file(str(path)):
                sums[key] = sums.get(key, 0.0) + value
        written = folder / f"{kind}_{DEAD}.new"
        written.unlink(missing_ok=True)
        merged = MmapedDict(str(written))
        for key, value in sums.items():
            merged.write_value(key, value, 0.0)
        merged.close()
        written.replace(kept)
        for path in files:
            path.unlink(missing_ok=True)
        gone += len(files)
    return gone


def _has_ended(path: Path) -> bool:
    number = path.stem.rpartition("_")[2]
    if not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # another user's process, or not a valid process number
        return False
    return False


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Admit one reader at a time, because two readers could count the same file twice."""
    import fcntl  # only on Unix, because only there processes fork

    with _threads, (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def serve(address: str) -> bool:
    """Serve ``/metrics`` at ``host:port`` from a thread of this process; return True if it does.

    Workers use it, because they have no HTTP server of their own. If another worker of this machine
    has taken the address, a warning is logged: both share the folder, so one server is enough.
    Raises :class:`ConfigurationError` for an invalid address.
    """
    host, _colon, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigurationError(
            f"SIMILARITY['MONITORING']['ADDRESS'] is {address!r}; give host and port, "
            "for example '127.0.0.1:9464'."
        )
    if not available():
        logger.warning("Metrics are not served at %s: prometheus_client is missing.", address)
        return False
    registry = metrics.prometheus_client.CollectorRegistry()
    registry.register(_Collector(()))
    try:
        server = metrics.prometheus_client.start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        logger.warning("Metrics are not served at %s: %s", address, error)
        return False
    _serving.append(server)  # (server, thread), held for as long as the process lives
    logger.info("Metrics of this machine's processes are served at http://%s/metrics", address)
    return True
