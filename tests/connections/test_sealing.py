"""What lies in the cache is the site's own signed JSON; anything else counts as nothing."""

import json
import os
import pickle

import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache

from similarity.connections import caching
from similarity.connections.sealing import JSONSerializer, seal, unseal
from similarity.search import mailbox
from similarity.search.synonyms import synonyms
from similarity.vectors import heartbeats

KEY = "similarity:test:1"
VALUES = [
    None,
    0,
    "",
    "naïve 'quoted' \ud800",
    [1, 2.5, None, "x"],
    {"hits": [{"key": "1", "score": 0.25}], "complete": True},
    b"",
    bytes(range(256)),
    {"row": b"\0\xff", "refused": ""},
]


class Exploit:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (os.mkdir, (str(self.mark),))


@pytest.fixture
def valkey():
    """What somebody else who reaches the server can write to."""
    return cache._cache.get_client()


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_is_sealed_is_read_again(value):
    assert unseal(KEY, seal(KEY, value)) == value


def test_what_is_no_plain_value_is_refused_when_it_is_written():
    with pytest.raises(TypeError, match="set cannot be kept in the cache"):
        seal(KEY, {"a": {1}})


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("1", "2", 1),
        lambda text: text[:-1],
        lambda text: text.rsplit(":", 1)[0],
        lambda text: "",
        lambda text: "[1]",
        lambda text: text.encode(),
        lambda text: None,
        lambda text: {"hits": [1]},
        lambda text: 7,
    ],
)
def test_what_the_site_has_not_written_is_nothing(change):
    assert unseal(KEY, change(seal(KEY, {"hits": [1]}))) is None


def test_a_value_holds_under_its_own_key_alone():
    """Else a shelf of cheap things could be copied over that of another product."""
    assert unseal("similarity:shelf:2", seal("similarity:shelf:1", [1])) is None


def test_another_secret_key_reads_nothing(settings):
    sealed = seal(KEY, [1])
    settings.SECRET_KEY = "another"
    assert unseal(KEY, sealed) is None


@pytest.mark.parametrize(
    "value", [0, -5, 2**40, 1.5, True, None, "text", "12", "naïve \ud800", [1, "a"], {"a": None}]
)
def test_the_serializer_gives_back_what_it_was_given(value):
    serializer = JSONSerializer()
    found = serializer.loads(_as_redis_gives(serializer.dumps(value)))
    assert found == value
    assert type(found) is type(value)


def _as_redis_gives(data):
    return data if isinstance(data, bytes) else str(data).encode()


def test_what_is_counted_up_stays_a_number(valkey):
    cache.set("counted", 5)
    cache.incr("counted")
    assert cache.get("counted") == 6


@pytest.mark.parametrize("data", [b"", b"\x80\x04K\x01.", b"{", b"\xff\xfe", b"[" * 100_000])
def test_the_serializer_takes_what_is_no_json_for_nothing(data):
    assert JSONSerializer().loads(data) is None


def test_a_pickle_that_somebody_puts_into_the_cache_runs_nothing(valkey, tmp_path, db):
    mark = tmp_path / "mark"
    for key in ("similarity:synonyms", "similarity:workers", KEY, "other"):
        valkey.set(cache.make_key(key), pickle.dumps(Exploit(mark)))
    assert synonyms() == {}
    assert heartbeats.seen() == {}
    assert caching.read(KEY) is None
    assert cache.get("other") is None
    assert not mark.exists()


@pytest.mark.parametrize("planted", [[1], 7, "x", {"lamp": 5}, {"lamp": ["torch"]}])
def test_json_that_somebody_puts_into_the_cache_is_ignored(valkey, planted, db):
    valkey.set(cache.make_key("similarity:synonyms"), json.dumps(planted))
    assert synonyms() == {}


def test_any_backend_holds_text_alone(monkeypatch):
    """So that a backend of pickles has none of ours to read."""
    kept = LocMemCache("sealing", {})
    monkeypatch.setattr(caching, "caches", {"default": kept})
    question = mailbox.Question("picture", "abc", 1, bytes(range(256)) * 20)
    mailbox.post(question)
    mailbox.reply(mailbox.Question("text", "red", 1, b"red"), mailbox.Answer(None, "no"))
    caching.write(KEY, {"hits": [1]})
    stored = [pickle.loads(value) for value in kept._cache.values()]  # noqa: S301 - our own
    assert len(stored) == 3
    assert all(type(value) is str for value in stored)
