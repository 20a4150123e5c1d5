"""Run a benchmark's own servers, sites and workers, which end with it."""

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.guard import end_on_signals, guarded

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def own_servers(settings: str) -> Iterator[Path]:
    """Run PostgreSQL and Valkey for ``settings`` in a temporary folder, and yield the folder.

    It never uses servers from the environment, because benchmarks write data and kill processes.
    """
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory(prefix="similarity-benchmark-") as folder:
        os.environ["SIMILARITY_RUN_DIR"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = settings
        os.environ["PYTHONPATH"] = str(ROOT)
        for name in ("DATABASE_URL", "CACHE_URL", "CELERY_BROKER_URL"):
            os.environ.pop(name, None)
        from shop import servers

        with guarded(Path(folder)):
            try:
                servers.start()
                yield Path(folder)
            finally:
                servers.stop()


def use_demo_servers() -> None:
    """Start the demo's servers unless they run; started servers end with this process."""
    from shop import demo, servers

    end_on_signals()
    started = servers.start()

    def stop() -> None:
        if not any(demo.find(name) for name in ("up", *demo.PROCESSES)):  # may use them now
            servers.stop()

    if started:
        atexit.register(stop)


@contextmanager
def process(command: list[str], log: Path, **environment: str) -> Iterator["subprocess.Popen"]:
    """Run a process; kill its group at the end of the block."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, **environment},
        )
        try:
            yield started
        finally:
            stop(started)


def stop(started: "subprocess.Popen") -> None:
    if started.poll() is None:
        os.killpg(started.pid, signal.SIGKILL)
    started.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def site_command(port: int, workers: int, threads: int) -> list[str]:
    """Return docker-compose.yml's gunicorn command, with these numbers of workers and threads."""
    return [
        *(sys.executable, "-m", "gunicorn", "shop.wsgi", "--bind", f"127.0.0.1:{port}"),
        *("--workers", str(workers), "--threads", str(threads), "--keep-alive", "60"),
    ]


def worker_command(queue: str) -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "-A", "shop", "worker", "--pool", "solo"),
        *("--queues", queue, "--hostname", f"{queue}@%h", "--loglevel", "warning"),
    ]


def wait_for_site(port: int, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{port}/api/similarity/v1/health/live", timeout=2
            ):
                return
        except OSError:
            time.sleep(0.2)
    sys.exit(f"gunicorn did not start:\n{log.read_text()[-2000:]}")


def wait_for_worker(log: Path) -> None:
    """Wait until it answers a query, which means that its network is loaded."""
    from similarity.search.query_vectors import encode_query

    until = time.monotonic() + 90
    while encode_query("a first query", timeout_ms=1000) is None:
        if time.monotonic() > until:
            sys.exit(f"The worker answers no query:\n{log.read_text()[-2000:]}")
