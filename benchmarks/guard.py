"""Ensure that no process of a benchmark outlives it, however the benchmark ends.

A signal that asks a process to end becomes SystemExit, so that every ``finally`` runs. After
SIGKILL, no ``finally`` runs. A process beside the benchmark therefore waits for its end and then
kills every process with the benchmark's folder in its command or environment.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

LOOK_S = 0.5


@contextmanager
def guarded(folder: Path) -> Iterator[None]:
    """Watch this process during the block; if it is killed, remove ``folder``."""
    end_on_signals()
    command = [sys.executable, str(Path(__file__).resolve()), str(folder), str(os.getpid())]
    # Its own session, because Ctrl-C reaches every process of the terminal's session.
    watcher = subprocess.Popen(command, start_new_session=True, cwd="/")
    try:
        yield
    finally:
        kill_all(folder, spared={os.getpid(), watcher.pid})
        watcher.kill()
        watcher.wait()


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP run ``finally`` blocks and ``atexit`` functions, like SIGINT."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, frame: sys.exit(128 + got))


def kill_all(folder: Path, spared: set[int]) -> None:
    """Kill every process that names ``folder``, and its descendants, until all are gone."""
    until = time.monotonic() + 10
    while left := [one for one in users_of(folder) if one.pid not in spared]:
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=1)
        if time.monotonic() > until:
            return


def users_of(folder: Path) -> set[psutil.Process]:
    """Return processes with ``folder`` in their command or environment, and children of servers."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            named = [*process.cmdline(), *process.environ().values()]
            if process.status() != psutil.STATUS_ZOMBIE and any(
                str(folder) in one for one in named
            ):
                found |= {process, *_servants_of(process)}
    return found


def _servants_of(process: psutil.Process) -> list[psutil.Process]:
    """Return forks of PostgreSQL, because their changed command line names no folder."""
    return process.children(recursive=True) if process.name() == "postgres" else []


def watch(folder: Path, pid: int) -> None:
    """Wait until the parent process ``pid`` is gone; then remove its leftovers."""
    while os.getppid() == pid:
        time.sleep(LOOK_S)
    kill_all(folder, spared={os.getpid()})
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    watch(Path(sys.argv[1]), int(sys.argv[2]))
