"""Wake-ups of the process itself: forked, at its end, and where tasks run eagerly."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from celery import current_app
from kombu import Connection

from similarity.connections import wakeup

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def silent_broker(monkeypatch):
    """The kernel accepts the connection and nobody ever replies."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        monkeypatch.setattr(
            current_app, "connection_for_write", lambda **options: Connection(address, **options)
        )
        yield address


def test_a_commit_waits_for_no_broker(silent_broker, monkeypatch):
    monkeypatch.setattr(wakeup, "CONNECT_TIMEOUT_S", 3.0)
    began = time.monotonic()
    for _ in range(100):
        wakeup.wake_soon()
    assert time.monotonic() - began < wakeup.CONNECT_TIMEOUT_S
    assert not wakeup.flush(30)
    assert wakeup.pause.lasts()


@pytest.fixture
def eager():
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False


@pytest.mark.usefixtures("eager")
def test_a_save_does_not_wait_for_eager_tasks(monkeypatch):
    sent = []
    monkeypatch.setattr(wakeup, "send", lambda task, **options: sent.append(task))
    wakeup.wake_soon()
    assert wakeup.flush(20)
    assert sent == []


def test_a_forked_process_sends_its_own_messages(monkeypatch):
    """As gunicorn with --preload and Celery's prefork pool fork after the first save."""
    sent = []
    monkeypatch.setattr(wakeup, "send", lambda task, **options: sent.append(task))
    wakeup.wake_soon()
    assert wakeup.flush(20)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        wakeup.wake_soon("similarity.count_orders")
        flushed = wakeup.flush(20)
        os.write(writing, f"{flushed} {sent[-1]}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as said:
        assert said.read() == "True similarity.count_orders"
    assert sent == [wakeup.TASK], "what the child asked for is the child's"


ENDING = """
import django
django.setup()
from similarity.connections import wakeup
wakeup.send = lambda task, **options: print("sent", task)
wakeup.wake_soon()
"""


def test_a_command_that_ends_at_once_has_its_message_sent():
    ended = subprocess.run(
        [sys.executable, "-c", ENDING],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    assert "sent similarity.drain_outbox" in ended.stdout


def test_a_command_that_ends_does_not_wait_for_a_broker_that_hangs():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        code = ENDING.replace("wakeup.send = ", "unused = ") + (
            "import atexit, time; began = time.monotonic()\n"
            "atexit._run_exitfuncs(); print('took', time.monotonic() - began)"
        )
        ended = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "CELERY_BROKER_URL": address,
            },
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        )
    assert float(ended.stdout.split("took ")[1]) < wakeup.EXIT_WAIT_S + 10
