"""A benchmark that is interrupted, ended or killed leaves no process and no folder behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.guard import users_of

ROOT = Path(__file__).resolve().parent.parent.parent

#: A worker that ignores what asks it to end, as a stopped or hung one does, and its child.
STUBBORN = """
import signal, subprocess, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("up", flush=True)
time.sleep(600)
"""
GUARDED = f"""
import os, subprocess, sys, tempfile, time
from pathlib import Path
from benchmarks.guard import guarded
with tempfile.TemporaryDirectory() as folder, guarded(Path(folder)):
    worker = subprocess.Popen(
        [sys.executable, "-c", {STUBBORN!r}],
        env={{**os.environ, "FOLDER": folder}}, start_new_session=True, stdout=subprocess.PIPE,
    )
    worker.stdout.readline()
    print(folder, flush=True)
    time.sleep(600)
"""
SERVERS = """
import time
from benchmarks.processes import own_servers
with own_servers("shop.settings") as folder:
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def start():
    started = []

    def start(script: str) -> tuple[subprocess.Popen, Path]:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", script],
            cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        started.append(process)
        folder = Path(process.stdout.readline().strip())
        assert folder.is_dir()
        return process, folder

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda n: n.name
)
def test_what_it_started_ends_with_it(start, number):
    process, folder = start(GUARDED)
    assert len(users_of(folder)) >= 3, "the worker, its child and the watcher"
    process.send_signal(number)
    process.wait(30)
    nothing_is_left(folder)


def test_servers_of_a_killed_benchmark_end_too(start):
    """PostgreSQL is no child of the benchmark, and its own children name no folder."""
    process, folder = start(SERVERS)
    names = {one.name() for one in users_of(folder)}
    assert "postgres" in names
    process.kill()
    process.wait(30)
    nothing_is_left(folder)


def test_a_database_of_a_killed_run_is_dropped_by_the_next(transactional_db):
    from django.db import connection

    from benchmarks import scratch

    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, used = (f"{scratch.PREFIX}{number}" for number in (gone.pid, os.getpid()))
    with connection.cursor() as cursor:
        for name in (left, used):
            cursor.execute(f'CREATE DATABASE "{name}"')
        try:
            assert scratch._abandoned() == [left]
        finally:
            scratch._drop([left, used])
        cursor.execute("SELECT datname FROM pg_database WHERE datname IN (%s, %s)", [left, used])
        assert cursor.fetchall() == []


def nothing_is_left(folder: Path) -> None:
    until = time.monotonic() + 30
    while (left := users_of(folder)) or folder.exists():
        assert time.monotonic() < until, left
        time.sleep(0.1)
