"""A cache that hangs or is down may cost a page its time-out once, and never an error."""

import time
from types import SimpleNamespace

import pytest

from similarity.connections import caching, metrics, pause


class DeadCache:
    """Counts how often it was asked, and fails each time."""

    def __init__(self):
        self.asked = 0

    def get(self, key):
        self.asked += 1
        raise ConnectionError("refused")

    set = get


@pytest.fixture
def dead(monkeypatch):
    cache = DeadCache()
    monkeypatch.setattr(caching, "caches", {"default": cache})
    return cache


def test_what_is_written_is_read():
    caching.write("similarity:test:1", {"hits": [1]})
    assert caching.read("similarity:test:1") == {"hits": [1]}
    assert caching.read("similarity:test:2") is None


def test_a_dead_cache_is_asked_once_and_then_left_alone(dead):
    assert [caching.read("similarity:test:1") for _ in range(5)] == [None] * 5
    assert dead.asked == 1


def test_it_is_asked_again_after_the_pause(dead, monkeypatch):
    caching.read("similarity:test:1")
    later = time.monotonic() + caching.PAUSE_S + 1
    monkeypatch.setattr(pause, "time", SimpleNamespace(monotonic=lambda: later))
    caching.read("similarity:test:1")
    assert dead.asked == 2


def test_look_ups_are_counted_by_what_they_are_for(monkeypatch, dead):
    told = []
    monkeypatch.setattr(metrics, "count", lambda name, **labels: told.append((name, labels)))
    caching.read("similarity:shelf:1")
    caching.read("similarity:shelf:1")
    monkeypatch.undo()
    assert told == [("cache_total", {"cache": "shelf", "result": "down"})] * 2


def test_what_stands_in_for_the_answer_is_the_callers():
    def fails():
        raise TimeoutError

    assert caching.attempt(fails, otherwise=True) is True
    assert caching.attempt(lambda: False, otherwise=True) is True, "paused: not called"
    caching.resume()
    assert caching.attempt(lambda: False, otherwise=True) is False
