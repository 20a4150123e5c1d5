"""Signs of life, and a cache that takes none."""

import threading
import time

import pytest
from django.core.cache import cache

from similarity.vectors import heartbeats


@pytest.fixture
def hanging(monkeypatch):
    """The cache's ``set`` waits for the event; its calls are kept."""
    monkeypatch.setattr(heartbeats, "_noted", {})
    monkeypatch.setattr(heartbeats, "_telling", None)
    monkeypatch.setattr(heartbeats, "NOTE_EVERY_S", 0.0)
    monkeypatch.setattr(heartbeats, "TELL_S", 0.2)
    answers, calls, set_ = threading.Event(), [], type(cache._connections["default"]).set

    def wait_and_set(self, *arguments, **options):
        calls.append(arguments[0])
        answers.wait(60)
        return set_(self, *arguments, **options)

    monkeypatch.setattr(type(cache._connections["default"]), "set", wait_and_set)
    yield answers, calls
    answers.set()


def test_work_waits_once_and_shortly_for_a_cache_that_hangs(hanging):
    answers, calls = hanging
    began = time.monotonic()
    for _ in range(20):
        heartbeats.note()
    took_s = time.monotonic() - began
    assert heartbeats.TELL_S <= took_s < 20 * heartbeats.TELL_S, "once, not twenty times"
    assert len(calls) == 1
    answers.set()
    heartbeats._telling.result(60)
    heartbeats.note(doing="embed", done=1, total=2)
    heartbeats._telling.result(60)
    assert [each["doing"] for each in heartbeats.seen().values()] == ["embed"]
