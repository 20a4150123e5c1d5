"""A real gunicorn on the test database, for tests that claim no request ever fails."""

import socket
import sys
import urllib.request
from contextlib import contextmanager

from tests.worker_process import running


@contextmanager
def web(folder):
    """``gunicorn`` with two workers of four threads; yields its port, and ends with the block."""
    port = free_port()
    log = folder / "gunicorn.log"
    command = [
        sys.executable, "-m", "gunicorn", "tests.host.wsgi", "--bind", f"127.0.0.1:{port}",
        "--workers", "2", "--threads", "4", "--keep-alive", "30",
    ]  # fmt: skip
    environment = {"DJANGO_SETTINGS_MODULE": "tests.web_settings"}
    with running(command, log, environment, lambda: _answers(port)):
        yield port


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(port):
    try:
        address = f"http://127.0.0.1:{port}/api/similarity/v1/health/live"
        return urllib.request.urlopen(address, timeout=30).status == 200
    except OSError:
        return False
