"""A real Celery worker process on the test database, for tests that claim the pipeline works."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from tests.databases import current_address

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def worker(folder, *arguments, **environment):
    """``celery worker`` on the test database; its whole process group ends with the block."""
    log = folder / f"worker-{time.monotonic_ns()}.log"
    command = [
        sys.executable, "-m", "celery", "-A", host_app(), "worker", "-P", "solo",
        "-Q", "similarity", "--without-gossip", "--without-mingle", "-l", "INFO", *arguments,
    ]  # fmt: skip
    environment = {"DJANGO_SETTINGS_MODULE": "tests.worker_settings", **environment}
    environment["TESTED_HOST"] = host_app()
    with running(command, log, environment, lambda: b" ready." in log.read_bytes()) as process:
        yield process


@contextmanager
def running(command, log, environment, ready):
    """A process group on the test database, once ``ready()``; killed with the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={
                **os.environ,
                "DATABASE_URL": current_address(),
                "CELERY_BROKER_URL": django_settings.CELERY_BROKER_URL,
                **environment,
            },
        )
        process.log = log
        try:
            wait_for(ready, 180, process)
            yield process
        finally:
            kill(process)


def host_app():
    """The demo shop, where its tests run; else the small host."""
    shop = django_settings.SIMILARITY_PRODUCT_MODEL == "shop.Product"
    return "shop" if shop else "tests.host"


def kill(process):
    """SIGKILL, as a lack of memory ends it: nothing can be tidied up."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)


def wait_for(condition, timeout_s, process):
    until = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until or process.poll() is not None:
            pytest.fail(f"Not within {timeout_s} s; the worker says:\n{process.log.read_text()}")
        time.sleep(0.1)
