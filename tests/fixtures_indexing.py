"""Fixtures for tests that embed: fast encoders, a broker that is dead, the outbox's rows."""

import socket
from types import SimpleNamespace

import pytest
from celery import current_app
from kombu import Connection

from similarity.connections import wakeup
from tests.encoders_fake import HashEncoder, similarity_settings


@pytest.fixture
def fake_encoders(settings):
    settings.SIMILARITY = similarity_settings()
    HashEncoder.encoded = []
    HashEncoder.calls = 0
    HashEncoder.before = None
    yield
    HashEncoder.before = None


@pytest.fixture
def dead_broker(monkeypatch):
    """Nobody listens where the broker should be."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"redis://127.0.0.1:{probe.getsockname()[1]}/0"
    monkeypatch.setattr(
        current_app, "connection_for_write", lambda **kwargs: Connection(address, **kwargs)
    )
    return address


@pytest.fixture
def wakeups(monkeypatch):
    """Names of the tasks that were sent, instead of sending them; each as it is asked for."""
    sent = []
    monkeypatch.setattr(wakeup, "_sender", SimpleNamespace(ask=wakeup.wake))
    monkeypatch.setattr(wakeup, "send", lambda task, **options: sent.append(task))
    return sent
