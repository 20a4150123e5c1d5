"""Messages sent beside the request: none waits, none of the last is lost."""

import threading
import time

import pytest

from similarity.connections.pause import Pause
from similarity.connections.sender import Sender

EVERY_S = 0.05


@pytest.fixture
def pause():
    return Pause(0.1)


def test_asking_does_not_wait_for_a_broker_that_hangs(pause):
    answers = threading.Event()
    sender = Sender(lambda message: answers.wait(30), pause, EVERY_S)
    began = time.monotonic()
    for _ in range(1000):
        sender.ask("drain")
    assert time.monotonic() - began < 10, "the first of them would have waited for 30 s"
    assert not sender.flush(0.05)
    answers.set()
    assert sender.flush(20)


def test_many_messages_become_one_and_the_last_is_never_lost(pause):
    """A worker must be woken after the last commit, however many were before it."""
    sent = []
    committed = 0

    def send(message):
        sent.append((message, committed))
        return True

    sender = Sender(send, pause, EVERY_S)
    began = time.monotonic()
    while time.monotonic() - began < 0.5:
        committed += 1
        sender.ask("drain")
    assert sender.flush(20)
    took_s = time.monotonic() - began
    assert sent[-1] == ("drain", committed)
    assert 2 <= len(sent) <= took_s / EVERY_S + 2
    assert committed > 100


def test_a_message_asked_for_while_one_is_sent_is_sent_after_it(pause):
    """It may stand for a row that the worker woken by the first has not seen."""
    sending, go_on = threading.Event(), threading.Event()
    sent = []

    def send(message):
        sent.append(message)
        sending.set()
        return go_on.wait(30)

    sender = Sender(send, pause, EVERY_S)
    sender.ask("drain")
    assert sending.wait(20)
    sender.ask("drain")
    go_on.set()
    assert sender.flush(20)
    assert sent == ["drain", "drain"]


def test_each_kind_of_message_is_sent(pause):
    sent = []
    sender = Sender(lambda message: not sent.append(message), pause, EVERY_S)
    for message in ("drain", "count", "drain"):
        sender.ask(message)
    assert sender.flush(20)
    assert {"drain", "count"} == set(sent)


def test_what_the_broker_refused_is_sent_when_it_is_back():
    """A process that ends does not wait for a dead broker: it gives up while the pause lasts."""
    pause = Pause(1.5)
    sent = []

    def send(message):
        sent.append(message)
        if len(sent) == 1:
            pause.begin()
        return len(sent) > 1

    sender = Sender(send, pause, EVERY_S)
    sender.ask("drain")
    assert not sender.flush(20)
    deadline = time.monotonic() + 20
    while len(sent) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sender.flush(20)
    assert sent == ["drain", "drain"]


def test_the_thread_outlives_an_error_that_nobody_foresaw(pause, caplog):
    sent = []

    def send(message):
        sent.append(message)
        if message == "bad":
            raise RuntimeError("a bug")
        return True

    sender = Sender(send, pause, EVERY_S)
    sender.ask("bad")
    assert sender.flush(20)
    assert "bad is not sent" in caplog.text
    sender.ask("good")
    assert sender.flush(20)
    assert sent == ["bad", "good"]
