"""A query's vector: from cache, table or worker, or none, and never late."""

# ruff: noqa: F811 - fixtures that are imported

import socket
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from celery import current_app
from django.core.cache import cache
from django.db import connection
from django.db.models import BinaryField
from django.db.models.expressions import RawSQL
from django.test import RequestFactory
from kombu import Connection

from similarity.catalog.content import ProductContent
from similarity.connections import background, caching, wakeup
from similarity.connections.pause import Pause
from similarity.encoders.registry import get_encoders
from similarity.exceptions import ImageRejected
from similarity.models import ProductVectors
from similarity.search import ask_worker, mailbox, queries, query_counts, query_vectors, tasks
from similarity.search.models import HotQuery
from similarity.search.query_vectors import encode_query, normalised, picture_vector
from similarity.vectors import fusions
from similarity.versions import lifecycle
from tests.configure import with_settings
from tests.encoders_fake import HashEncoder
from tests.fixtures_indexing import dead_broker, fake_encoders  # noqa: F401

#: Where the claim is the answer, or that nobody waits so long, and not a time.
LIMIT_MS = 20_000
LIMIT_S = LIMIT_MS / 1000


@pytest.fixture(autouse=True)
def _hearing(monkeypatch):
    monkeypatch.setattr(ask_worker, "silence", ask_worker.Silence())
    monkeypatch.setattr(mailbox, "_noted_at", {})


@pytest.fixture
def live(db, fake_encoders, make_product):
    make_product(name="red wool scarf")
    make_product(name="steel frying pan")
    return lifecycle.ensure_live_version()


@pytest.fixture
def sent(monkeypatch):
    """Messages that were sent, instead of sending them: (task, arguments)."""
    messages = []

    def send(task, **options):
        messages.append((task, options.get("args"), options))

    monkeypatch.setattr(wakeup, "send", send)
    return messages


@pytest.fixture
def worker(monkeypatch):
    """A worker that answers at once, in the thread of the test, which has the database."""
    messages = []
    monkeypatch.setattr(wakeup, "send", lambda task, **o: messages.append((task, o.get("args"))))

    def work():
        """Do what was asked, as soon as the asking thread has sent something."""
        wait_until(lambda: messages)
        for task, arguments in messages:
            current_app.tasks[task](*arguments)

    work.messages = messages
    return work


def ask_with(work, call):
    """``call`` begins to ask; ``work`` is the worker; returns the answer."""
    pending = call()
    work()
    return pending.wait(LIMIT_S)


def by_hand(text, version):
    encoded = get_encoders()["text"].encode([ProductContent(key="", title=text)])
    return fusions.fusion_of(version).project("text", encoded.vectors)[0]


def test_a_worker_places_the_query_among_the_products_texts(live, worker):
    vector = ask_with(worker, lambda: query_vectors.begin("  Red WOOL scarf ", timeout_ms=LIMIT_MS))
    assert vector == pytest.approx(by_hand("red wool scarf", live), abs=1e-6)
    stored = ProductVectors.objects.get(product__name="red wool scarf").text
    assert float(vector @ np.array(stored)) > 0.9


def test_the_second_who_asks_is_answered_from_the_cache(live, worker):
    ask_with(worker, lambda: query_vectors.begin("red scarf", timeout_ms=LIMIT_MS))
    assert encode_query("RED  scarf", timeout_ms=LIMIT_MS) is not None
    assert len(worker.messages) == 1


def test_a_hot_query_needs_neither_cache_nor_worker(live, sent, django_assert_num_queries):
    queries.keep("red scarf", 7)
    assert queries.prepare() == 1
    cache.clear()
    with django_assert_num_queries(3):  # one, in a savepoint of the test's transaction
        vector = encode_query("Red scarf", timeout_ms=LIMIT_MS)
    assert vector == pytest.approx(by_hand("red scarf", live), abs=2e-3)
    assert mailbox.TASK not in [task for task, *_ in sent]


@pytest.mark.parametrize("text", ["", "   ", "\0\0", "\ud800"])
def test_nothing_to_encode_asks_nobody(live, sent, text):
    assert encode_query(text, timeout_ms=LIMIT_MS) is None
    assert sent == []


def test_without_a_live_version_nobody_is_asked(db, sent):
    assert encode_query("red scarf", timeout_ms=LIMIT_MS) is None
    assert sent == []


def test_equal_queries_at_once_are_asked_once(live, sent):
    pending = [query_vectors.begin("red scarf", timeout_ms=100) for _ in range(6)]
    assert [one.wait() for one in pending] == [None] * 6
    wait_until(nothing_under_way)
    assert [task for task, *_ in sent].count(mailbox.TASK) == 1


def test_a_worker_that_never_answers_costs_the_limit_and_no_more(live, sent, settings):
    settings.SIMILARITY = with_settings(SEARCH={"QUERY_TIMEOUT_MS": LIMIT_MS})
    took = timed(lambda: encode_query("red scarf", timeout_ms=100))
    assert 0.05 < took < LIMIT_S / 4


def test_after_some_silence_nobody_is_asked_for_a_while(live, sent, caplog):
    for number in range(ask_worker.SILENCES):
        encode_query(f"scarf {number}", timeout_ms=20)
    wait_until(lambda: ask_worker.silence.lasts())
    before = len(sent)
    assert timed(lambda: encode_query("another", timeout_ms=LIMIT_MS)) < LIMIT_S / 4
    assert len(sent) == before
    assert "Is a worker of that queue running?" in caplog.text


def test_of_a_worker_that_says_it_is_alive_an_answer_is_always_awaited(live, sent):
    """It is busy, and not dead: what it answers late serves the next who asks the same."""
    mailbox.note_alive(mailbox.QUERIES)
    for number in range(ask_worker.SILENCES + 2):
        encode_query(f"scarf {number}", timeout_ms=20)
    wait_until(nothing_under_way)
    assert [task for task, *_ in sent].count(mailbox.TASK) == ask_worker.SILENCES + 2
    assert not ask_worker.silence.lasts()


def test_a_dead_broker_costs_little_once(live, dead_broker):
    assert timed(lambda: encode_query("red scarf", timeout_ms=LIMIT_MS)) < LIMIT_S / 4
    assert timed(lambda: encode_query("blue scarf", timeout_ms=LIMIT_MS)) < LIMIT_S / 4


def test_a_broker_that_hangs_holds_up_nobody(live, monkeypatch, silent_server):
    address = f"redis://127.0.0.1:{silent_server}/0"
    monkeypatch.setattr(wakeup, "CONNECT_TIMEOUT_S", LIMIT_S)
    monkeypatch.setattr(current_app, "connection_for_write", lambda **k: Connection(address, **k))
    assert timed(lambda: encode_query("red scarf", timeout_ms=100)) < LIMIT_S / 4


def test_a_cache_that_hangs_holds_up_nobody(live, settings, silent_server, sent):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{silent_server}/0",
            "OPTIONS": {"socket_timeout": LIMIT_S},
        }
    }
    assert timed(lambda: encode_query("red scarf", timeout_ms=100)) < LIMIT_S / 4


def test_a_cache_that_is_down_holds_up_nobody(live, settings, sent):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{closed_port()}/0",
        }
    }
    assert encode_query("red scarf", timeout_ms=200) is None
    caching.resume()


def test_a_database_error_is_no_error_of_the_page_and_leaves_its_transaction(live, monkeypatch):
    """Inside the host's transaction, which a failed query would otherwise spoil."""
    broken = RawSQL("1 / 0", (), output_field=BinaryField())
    monkeypatch.setattr(query_vectors, "Subquery", lambda *a, **k: broken)
    assert encode_query("red scarf", timeout_ms=50) is None
    assert ProductVectors.objects.exists()


def test_too_many_calls_that_hang_are_not_added_to():
    pool = background.Background(most=2)
    release = threading.Event()
    hanging = [pool.start(release.wait) for _ in range(2)]
    assert pool.start(release.wait) is None
    release.set()
    assert all(future.result(LIMIT_S) for future in hanging)
    assert pool.start(lambda: 7).result(LIMIT_S) == 7
    with pytest.raises(ZeroDivisionError):
        pool.start(lambda: 1 / 0).result(LIMIT_S)


def test_in_process_encoding_needs_no_worker(settings, live, sent, monkeypatch):
    settings.SIMILARITY = with_settings(SEARCH={"ENCODE_IN_PROCESS": True})
    # The thread it runs in sees nothing of this test's transaction, so no version either.
    answer = mailbox.Answer(np.ones(8, np.float32))
    monkeypatch.setattr(queries, "compute", lambda question: answer)
    assert encode_query("red scarf", timeout_ms=LIMIT_MS) == pytest.approx(np.ones(8))
    assert mailbox.TASK not in [task for task, *_ in sent]


def test_normalised_texts_are_the_same_query():
    assert normalised("  Rote\u00a0SCHUHE\n") == "rote schuhe"
    assert normalised("ﬁlter") == "filter"
    assert normalised("a\0b\ud800c") == "a bc"
    assert len(normalised("x" * 10_000)) == query_vectors.LONGEST


class TestPictures:
    def test_a_photo_goes_by_the_cache_in_pieces_and_is_gone_after(self, live, worker, monkeypatch):
        monkeypatch.setattr(mailbox, "PIECE_BYTES", 1000)
        seen = {}
        monkeypatch.setitem(
            queries._KINDS,
            "picture",
            lambda question: seen.update(data=question.payload) or np.arange(4, dtype=np.float32),
        )
        data = bytes(range(256)) * 20
        question = mailbox.Question("picture", "abc", live.pk, data)
        mailbox.note_alive(mailbox.PICTURES)
        answer = ask_with(worker, lambda: ask_worker.begin(question, LIMIT_MS))
        assert answer.row.tolist() == [0, 1, 2, 3]
        assert seen["data"] == data
        assert cache.get(f"{question.key}:0") is None, "the photo is not left in the cache"

    def test_a_photo_that_cannot_be_decoded_is_refused_with_the_reason(self, live, monkeypatch):
        refused = mailbox.Answer(None, "The image cannot be decoded.")
        monkeypatch.setattr(ask_worker, "ask_worker", lambda *a, **k: refused)
        with pytest.raises(ImageRejected, match="cannot be decoded"):
            picture_vector(b"no photo")

    def test_without_a_worker_of_pictures_none_is_asked_and_none_is_waited_for(
        self, live, sent, monkeypatch, caplog
    ):
        """The worker of queries is alive, but the picture would hold its thread for seconds."""
        monkeypatch.setattr(ask_worker, "unserved", Pause(60))
        mailbox.note_alive(mailbox.QUERIES)
        for _ in range(3):
            took = timed(lambda: picture_vector(b"\xff\xd8\xff" + b"x" * 5000, timeout_ms=LIMIT_MS))
            assert took < LIMIT_S / 4
        assert sent == []
        assert caplog.text.count("No worker of the queue 'similarity.pictures'") == 1

    def test_pictures_have_a_queue_of_their_own(self, live, sent):
        mailbox.note_alive(mailbox.PICTURES)
        picture_vector(b"\xff\xd8\xff" + b"x" * 5000, timeout_ms=50)
        encode_query("red scarf", timeout_ms=50)
        wait_until(lambda: len(sent) == 2)
        assert [options["queue"] for *_, options in sent] == [
            "similarity.pictures",
            "similarity.queries",
        ]


class TestCounting:
    @pytest.fixture(autouse=True)
    def _clock(self, monkeypatch):
        self.now = 1_000_000.0
        monkeypatch.setattr(query_counts.time, "time", lambda: self.now)

    def ask(self, query, clients):
        for client in clients:
            query_counts.count(query, client)
            self.now += 600

    def test_a_query_is_written_down_once_enough_clients_asked_it(self, db, sent):
        self.ask("red scarf", ["address:10.0.0.1", "address:10.0.0.2", "user:1", "user:2"])
        assert sent == []
        self.ask("red scarf", ["user:3"])
        [(task, arguments, _)] = sent
        current_app.tasks[task](*arguments)
        assert HotQuery.objects.get().asked == 5

    def test_one_who_asks_again_and_again_counts_once(self, sent):
        """Every ten minutes for a week less a day."""
        self.now = 100 * query_counts.WEEK_S + 5.0
        self.ask("jane doe pajamas", ["user:1"] * (6 * 24 * 6))
        assert sent == []

    def test_a_week_knows_nothing_of_the_one_before(self, sent):
        for client in range(8):
            self.ask("red scarf", [f"user:{client % 4}"])
            self.now += query_counts.WEEK_S if client == 3 else 0
        assert sent == []

    def test_who_is_not_known_counts_for_nothing(self, sent):
        self.ask("red scarf", [""] * 20)
        assert sent == []

    def test_a_search_is_counted_for_the_client_of_the_request(self, live, sent, monkeypatch):
        seen = []
        monkeypatch.setattr(query_counts, "count", lambda *told: seen.append(told))
        with query_counts.asked_by(RequestFactory().get("/", REMOTE_ADDR="192.0.2.1")):
            encode_query("red scarf", timeout_ms=1)
        encode_query("blue scarf", timeout_ms=1)
        wait_until(lambda: len(seen) == 2)
        assert seen == [("red scarf", "address:192.0.2.1"), ("blue scarf", "")]

    @pytest.mark.parametrize(
        "query",
        [
            *("anna@example.com", "0170 1234567", "x" * 61, "order 12345678", "order #5512"),
            *("jane doe 7 elm street pajamas", "jane elm street 7", "musterweg 3 jacke"),
            *("de89 3704 0044 0532", "invoice 4711", "rue de rivoli 8 robe", "c/o miller lamp"),
            "a red scarf for my aunt anna who lives alone",
        ],
    )
    def test_what_may_tell_of_one_person_is_never_counted(self, sent, query):
        self.ask(query, [f"user:{number}" for number in range(10)])
        assert sent == []

    def test_the_cache_holds_no_query_in_clear(self, sent, monkeypatch):
        keys = []
        store = SimpleNamespace(add=lambda key, *rest: keys.append(key), incr=keys.append)
        monkeypatch.setattr(query_counts, "caches", {"default": store})
        query_counts.count("red scarf", "address:192.0.2.1")
        assert keys
        assert not [key for key in keys if "scarf" in key or "192.0.2" in key]


def test_hot_queries_are_prepared_for_the_version_that_may_follow(live, settings):
    queries.keep("red scarf", 5)
    queries.keep("blue scarf", 9)
    ready = lifecycle.build_version()
    assert queries.prepare() == 4
    assert queries.prepare() == 0
    prepared = HotQuery.objects.get(text="red scarf").vectors.values_list("version", flat=True)
    assert set(prepared) == {live.pk, ready.pk}


def test_promoting_a_version_has_its_hot_queries_prepared(
    live, sent, django_capture_on_commit_callbacks
):
    ready = lifecycle.build_version()
    connection.run_on_commit.clear()  # the first version asked for the same, and nothing ran it
    with django_capture_on_commit_callbacks(execute=True):
        lifecycle.promote(ready)
    assert wakeup.flush(LIMIT_S)
    assert queries.TASK in [task for task, *_ in sent]


def test_only_the_hottest_are_prepared_and_the_forgotten_go(live, settings, monkeypatch):
    monkeypatch.setattr("similarity.search.queries.HOT_QUERIES", 1)
    queries.keep("rare", 1)
    queries.keep("often", 50)
    HotQuery.objects.create(text="long ago", asked=900, asked_at="2001-01-01T00:00Z")
    assert queries.prepare() == 1
    assert [query.text for query in HotQuery.objects.filter(vectors__isnull=False)] == ["often"]
    assert not HotQuery.objects.filter(text="long ago").exists()


def test_a_question_for_encoders_that_are_not_ours_is_logged_with_the_remedy(
    live, monkeypatch, caplog
):
    monkeypatch.setattr(HashEncoder, "weights", "+retrained")
    question = mailbox.Question("text", "x", live.pk, b"red scarf")
    assert tasks.answer_question(*mailbox.post(question)) is False
    assert "similarity build" in caplog.text
    unknown = mailbox.Question("smell", "x", live.pk, b"red scarf")
    assert tasks.answer_question(*mailbox.post(unknown)) is False
    assert "different releases" in caplog.text


@pytest.fixture
def silent_server():
    """A port that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(50)
        yield server.getsockname()[1]
    wait_until(nothing_under_way)  # its end lets go whoever hangs on it


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def timed(call):
    began = time.monotonic()
    assert call() is None
    return time.monotonic() - began


def nothing_under_way():
    return not background._background._under_way


def wait_until(condition, timeout_s=LIMIT_S):
    until = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < until:
        time.sleep(0.005)
    assert condition()


class TestTwoProjects:
    """On one queue of one broker, each with a database and a cache of its own."""

    def test_a_question_of_another_project_is_handed_back_and_told_of(
        self, live, sent, monkeypatch, caplog
    ):
        monkeypatch.setattr(tasks, "_told_of_project", Pause(60))
        with monkeypatch.context() as other:
            other.setattr(mailbox, "project", lambda: "theirs")
            arguments = mailbox.post(mailbox.Question("text", "a", live.pk, b"red scarf"))
        for _ in range(2):
            tasks.answer_question(*arguments)
        assert [options["args"] for *_, options in sent] == [[*arguments[:-1], 1]] * 2
        assert caplog.text.count("Another project sends its questions") == 1
        assert mailbox.read(mailbox.Question("text", "a", live.pk, b"")) is None

    def test_it_goes_round_a_few_times_and_is_answered_then(self, live, sent, monkeypatch):
        """The name may differ though the project is one, as behind a pool of connections."""
        with monkeypatch.context() as other:
            other.setattr(mailbox, "project", lambda: "theirs")
            arguments = mailbox.post(mailbox.Question("text", "a", live.pk, b"red scarf"))
        for _ in range(mailbox.MOST_ROUNDS):
            tasks.answer_question(*arguments)
            arguments = sent.pop()[1]
        assert tasks.answer_question(*arguments)
        assert mailbox.read(mailbox.Question("text", "a", live.pk, b"")) is not None

    def test_another_database_secret_or_prefix_is_another_project(self, db, settings):
        names = {mailbox.project()}
        names.add(mailbox.project())
        assert len(names) == 1
        settings.SECRET_KEY = "another"
        names.add(mailbox.project())
        connection.settings_dict, kept = (
            {**connection.settings_dict, "NAME": "b"},
            (connection.settings_dict),
        )
        try:
            names.add(mailbox.project())
        finally:
            connection.settings_dict = kept
        assert len(names) == 3
