"""Run the processes of a chaos run under a supervisor, which restarts ended processes at once."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
RESTART_S = 0.1


class Supervised:
    """A supervised command; ``ended`` counts the times that it ended by itself."""

    def __init__(
        self,
        name: str,
        command: list[str],
        environment: dict[str, str],
        log: Path,
        once: bool = False,
    ) -> None:
        self.name, self.ended, self.once = name, 0, once
        self._command, self._environment, self._log = command, environment, log
        self._killed = False
        self._start()

    def _start(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def check(self) -> None:
        """Restart it if it has ended."""
        if self.once or not self.over:
            return
        self.ended += not self._killed
        self._killed = False
        self._start()

    @property
    def over(self) -> bool:
        return self._process.poll() is not None

    def family(self) -> list[psutil.Process]:
        """Return the process and its children; Celery's pool has a child for each slot."""
        try:
            parent = psutil.Process(self._process.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self, only: psutil.Process | None = None) -> None:
        """Send SIGKILL to the whole family at once, or to one child only."""
        process = self._process  # the supervisor's thread replaces it after its end
        self._killed = self._killed or only is None
        send([only] if only else self.family(), signal.SIGKILL)
        if only is None:
            process.wait(60)

    def stop(self) -> None:
        send(self.family(), signal.SIGKILL)
        self._process.wait(60)


class Supervisor:
    """All processes of a run, checked ten times a second by a thread."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self._environment = folder, environment
        self.processes: dict[str, Supervised] = {}
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def start(self, name: str, *command: str, once: bool = False) -> None:
        """Run a command until it is stopped, or only ``once`` to its own end."""
        log = self.folder / f"{name}.log"
        with self._lock:
            self.processes[name] = Supervised(
                name, [sys.executable, *command], self._environment, log, once
            )

    def run(self, *command: str, timeout_s: float = 300) -> str:
        """Run a command to its end and return its output."""
        finished = subprocess.run(
            [sys.executable, "-W", "ignore", *command],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        if finished.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{finished.stderr[-3000:]}")
        return finished.stdout

    def stop(self, prefix: str = "") -> None:
        """End the processes whose names start with this, without restart."""
        with self._lock:
            for name in [each for each in self.processes if each.startswith(prefix)]:
                self.processes.pop(name).stop()

    def wait(self, prefix: str, timeout_s: float = 240) -> None:
        """Wait until the ``once`` processes whose names start with this have ended."""
        names = [name for name in self.processes if name.startswith(prefix)]
        wait_for(
            lambda: all(self.processes[name].over for name in names),
            timeout_s,
            f"the end of {', '.join(names)}; see their logs in {self.folder}",
        )

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self.stop()

    def _watch(self) -> None:
        while not self._over.wait(RESTART_S):
            with self._lock:
                for process in self.processes.values():
                    process.check()


def send(processes: list[psutil.Process], how: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(how)


def wait_for(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"Not within {timeout_s:.0f} s: {what}.")
        time.sleep(0.1)
