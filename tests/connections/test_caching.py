"""A cache that hangs or is down may cost a page its time-out once, and never an error."""

import time
from types import SimpleNamespace

import pytest
from django.core.cache.backends.base import InvalidCacheKey, memcache_key_warnings
from django.db import OperationalError

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


def _redis(name):
    import redis.exceptions

    return getattr(redis.exceptions, name)("told")


@pytest.mark.parametrize(
    "error",
    [
        ConnectionError("refused"),
        TimeoutError(),
        OSError(113, "no route"),
        _redis("ConnectionError"),
        _redis("TimeoutError"),
        _redis("BusyLoadingError"),
        _redis("ClusterDownError"),
        OperationalError("the table of the cache's database"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_outage_pauses_the_cache(error):
    assert caching.attempt(_raising(error), otherwise="none") == "none"
    assert caching._pause.lasts()


@pytest.mark.parametrize(
    "error",
    [
        InvalidCacheKey("blanks"),
        ValueError("no such key"),
        TypeError("cannot be serialized"),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"),
        _redis("DataError"),
        _redis("ResponseError"),
        _redis("OutOfMemoryError"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_cache_refuses_is_no_outage(error, caplog):
    assert caching.attempt(_raising(error), otherwise="none") == "none"
    assert type(error).__name__ in caplog.text
    assert not caching._pause.lasts()
    assert caching.attempt(lambda: "asked", otherwise="none") == "asked"


def _raising(error):
    def call():
        raise error

    return call


@pytest.mark.parametrize("told", ["a b", "\x7f\0", "é" * 300, "\ud800", {"a": ("b", None)}, b"x"])
def test_a_key_is_one_that_every_cache_takes(told):
    key = caching.key("test", told)
    assert not list(memcache_key_warnings(f":1:{key}"))
    assert key.startswith("similarity:test:")
    assert key != caching.key("test", told, 1) != caching.key("other", told, 1)


def test_a_key_cannot_be_told_without_the_hosts_secret(settings):
    before = caching.key("test", "red scarf")
    settings.SECRET_KEY = "another"
    assert caching.key("test", "red scarf") != before
