"""What was measured as the text Prometheus reads: of this process, or of all on this machine.

With ``PROMETHEUS_MULTIPROC_DIR`` every process of the machine that shares the folder is told
of: gunicorn's workers and those of Celery. A process that ended leaves its files behind, and
what it counted must stay counted, or Prometheus would take the sum's fall for a restart: its
files are added into one file of the dead, so that the folder does not grow with each restart.
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

#: Files of these kinds hold sums; those of gauges are their writers' own affair.
SUMMED = ("counter", "histogram", "summary")
#: Stands where a process's number would, in the name of what the dead left.
DEAD = "dead"
LOCK = ".similarity-lock"

_threads = threading.Lock()  # a file lock holds between processes, this one between threads
_serving: list[Any] = []


class Gauge(NamedTuple):
    """A value as it is now: ``name`` without its prefix, label → value."""

    name: str
    help: str
    values: Iterable[tuple[Mapping[str, str], float]]


def available() -> bool:
    """Whether ``prometheus_client`` is installed."""
    return metrics.prometheus_client is not None


def text(gauges: Iterable[Gauge] = ()) -> bytes:
    """All metrics of the plugin and the gauges given, in Prometheus' text format.

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
    """Read by the client's registry; ``describe`` keeps it from collecting at registration."""

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
    """Families of counters and histograms, the host's own in the same folder left out."""
    if not (folder := shared_folder()):
        return [family for made in metrics.made() for family in made.collect()]
    from prometheus_client.multiprocess import MultiProcessCollector

    with _locked(folder):
        add_up_dead(folder)
        files = [str(path) for path in folder.glob("*.db") if path.name.startswith(SUMMED)]
        families = MultiProcessCollector.merge(files, accumulate=True)
    return [family for family in families if family.name.startswith(metrics.PREFIX)]


def shared_folder() -> Path | None:
    """Where processes of this machine leave what they measured; None where each is by itself."""
    named = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not named:
        return None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def add_up_dead(folder: Path) -> int:
    """Add the files of processes that ended to those of the dead; returns how many went.

    The caller holds the folder's lock. The folder must not be shared between containers,
    whose processes have the same numbers.
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
    except (OSError, OverflowError):  # somebody else's process, or no process's number
        return False
    return False


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One reader at a time, or it would count what another is just adding up twice."""
    import fcntl  # only where processes fork: on Unix

    with _threads, (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def serve(address: str) -> bool:
    """Serve ``/metrics`` at ``host:port`` from a thread of this process; whether it does now.

    For workers, which have no HTTP server of their own. An address that is taken, by another
    worker of this machine, is said in the log: both share the folder, so one is enough.
    Raises :class:`ConfigurationError` for what is no address.
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
