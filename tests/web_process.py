"""A real gunicorn on the test database, for tests that claim no request ever fails."""

import os
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

from django.conf import settings as django_settings

from tests.databases import current_address
from tests.worker_process import ROOT, kill, wait_for


@contextmanager
def web(folder):
    """``gunicorn`` with two workers of four threads; yields its port, and ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "gunicorn.log"
    command = [
        sys.executable, "-m", "gunicorn", "shop.wsgi", "--bind", f"127.0.0.1:{port}",
        "--workers", "2", "--threads", "4", "--keep-alive", "30",
    ]  # fmt: skip
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
                "DJANGO_SETTINGS_MODULE": "tests.web_settings",
            },
        )
        process.log = log
        try:
            wait_for(lambda: _answers(port), 60, process)
            yield port
        finally:
            kill(process)


def _answers(port):
    try:
        address = f"http://127.0.0.1:{port}/api/similarity/v1/health/live"
        return urllib.request.urlopen(address, timeout=5).status == 200
    except OSError:
        return False
