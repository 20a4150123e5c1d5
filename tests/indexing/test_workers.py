"""Signs of life, and a cache that takes none."""

import threading
import time

import pytest
from django.core.cache import cache

from similarity.indexing import workers


@pytest.fixture
def hanging(monkeypatch):
    """The cache's ``set`` waits for the event; its calls are kept."""
    monkeypatch.setattr(workers, "_noted", {})
    monkeypatch.setattr(workers, "_telling", None)
    monkeypatch.setattr(workers, "NOTE_EVERY_S", 0.0)
    monkeypatch.setattr(workers, "TELL_S", 0.2)
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
        workers.note()
    took_s = time.monotonic() - began
    assert workers.TELL_S <= took_s < 20 * workers.TELL_S, "once, not twenty times"
    assert len(calls) == 1
    answers.set()
    workers._telling.result(60)
    workers.note(doing="embed", done=1, total=2)
    workers._telling.result(60)
    assert [each["doing"] for each in workers.seen().values()] == ["embed"]
