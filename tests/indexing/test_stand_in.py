"""When a stand-in begins and ends; with real workers and a broker that is away in tests/chaos."""

import os
import subprocess
import sys

import pytest

from similarity.outbox import fallback_poller


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def test_a_process_has_ended_whether_anyone_waited_for_it_or_not(child):
    assert not fallback_poller.none_lives([])
    assert not fallback_poller.none_lives([child.pid])
    other = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert fallback_poller.none_lives([other.pid])
    assert not fallback_poller.none_lives([child.pid, other.pid])
    assert other.wait() == 0, "how it ended is left for Celery to find"
    assert fallback_poller.none_lives([other.pid])


class Begun:
    """In place of the process."""

    def __init__(self):
        self.commands, self.ended = [], None

    def __call__(self, command, **options):
        self.commands.append(command)
        self.ended = None
        return self

    def poll(self):
        return self.ended

    def terminate(self):
        self.ended = 0


@pytest.fixture
def begun(monkeypatch):
    begun = Begun()
    monkeypatch.setattr(fallback_poller.subprocess, "Popen", begun)
    return begun


def test_it_begins_where_nobody_replaces_the_pool_and_ends_when_somebody_has(monkeypatch, begun):
    gone = iter([True, False, True, True, True, False])
    monkeypatch.setattr(fallback_poller, "none_lives", lambda processes: next(gone))
    watch = fallback_poller.Watch(lambda: [1])
    for _look in range(3):
        watch.look()
    assert not begun.commands, "Celery replaced it between two looks"
    watch.look()
    assert begun.commands == [
        [sys.executable, "-m", "similarity.outbox.fallback_poller", str(os.getpid())]
    ]
    watch.look()
    assert len(begun.commands) == 1, "one lives already"
    watch.look()
    assert begun.ended == 0


def test_one_that_was_killed_itself_is_replaced_ever_later(monkeypatch, begun):
    """A product may kill three, at once; one that cannot start must not fill the log."""
    pool = {"gone": True}
    monkeypatch.setattr(fallback_poller, "none_lives", lambda processes: pool["gone"])
    watch = fallback_poller.Watch(lambda: [1])
    looks = []
    for look in range(200):
        watch.look()
        if begun.commands and begun.ended is None:
            looks.append(look)
            begun.ended = -9
    assert looks[:5] == [1, 2, 4, 7, 11]
    for gone in (False, True, True):
        pool["gone"] = gone
        watch.look()
    assert begun.ended is None, "after the pool was back, the next begins at once"


def test_an_error_of_the_pool_ends_neither_the_watch_nor_the_worker(monkeypatch, caplog):
    monkeypatch.setattr(fallback_poller, "LOOK_S", 0.001)
    looks = []

    def processes():
        looks.append(1)
        if len(looks) == 2:
            watch.over.set()
        raise AttributeError("the pool is being closed")

    watch = fallback_poller.Watch(processes)
    watch.run()
    assert len(looks) == 2
    assert "the pool is being closed" in caplog.text
