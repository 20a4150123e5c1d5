"""The embedded servers' addresses, which many processes read while others write them."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from shop import servers

ROOT = Path(__file__).resolve().parents[2]
WRITE_ON = """
from itertools import count
from shop import servers
for number in count():
    servers._remember({"valkey": f"redis://127.0.0.1:{number}" * 500})
    if not number:
        print("written", flush=True)
"""


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setattr(servers, "STATE", tmp_path / "services.json")
    return servers.STATE


def test_what_is_remembered_is_read_and_leaves_no_draft(state):
    servers._remember({"valkey": "redis://127.0.0.1:1"})
    servers._remember({"valkey": "redis://127.0.0.1:2"})
    assert servers._state() == {"valkey": "redis://127.0.0.1:2"}
    assert list(state.parent.iterdir()) == [state]


def test_only_this_user_reads_the_addresses(state):
    """They hold passwords; what an older release wrote for all is written anew."""
    state.write_text('{"valkey": "redis://127.0.0.1:1"}')
    state.chmod(0o644)
    servers._remember({"valkey": "redis://127.0.0.1:1"})
    assert state.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def valkey(tmp_path, monkeypatch):
    monkeypatch.setattr(servers, "RUN_DIR", tmp_path)
    monkeypatch.setattr(servers, "STATE", tmp_path / "services.json")
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/shop")
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)
    monkeypatch.delenv("CACHE_URL", raising=False)
    assert servers.start() == ["Valkey"]
    with Redis.from_url(servers.cache_url(), decode_responses=True) as server:
        yield server
    assert servers.stop() == ["Valkey"]


def test_valkey_answers_nobody_without_its_password(valkey, tmp_path):
    assert valkey.ping()
    where = valkey.connection_pool.connection_kwargs
    stranger = Redis(host=where["host"], port=where["port"])
    with stranger, pytest.raises(AuthenticationError):
        stranger.get("similarity:synonyms")
    holding = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in holding if where["password"] in path.read_text()] == [
        "services.json"
    ]
    process = psutil.Process(int((tmp_path / "valkey" / "valkey.pid").read_text()))
    assert where["password"] not in " ".join(process.cmdline())


def test_valkey_keeps_nothing_on_disk_and_a_bounded_amount_in_memory(valkey):
    """Messages have no end and are never dropped for what the cache holds."""
    told = {name: valkey.config_get(name)[name] for name in ("save", "appendonly", "maxmemory")}
    assert told == {"save": "", "appendonly": "no", "maxmemory": str(256 * 1024 * 1024)}
    assert valkey.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-lru"}


def test_a_second_start_finds_it_and_one_without_a_password_is_replaced(valkey):
    assert servers.start() == []
    before = servers._state()["valkey"]
    open_to_all = "redis://" + before.partition("@")[2]
    servers._remember({"valkey": open_to_all, "valkey_port": 1})
    assert servers.start() == ["Valkey"]
    assert servers._state()["valkey"] not in (before, open_to_all)


def test_a_process_that_starts_while_another_does_reads_a_whole_file(state):
    """The workers of a site start at once; one that read half a file would not boot."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITE_ON],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "SIMILARITY_RUN_DIR": str(state.parent)},
    )
    try:
        assert writer.stdout.readline() == b"written\n"
        for _ in range(3000):
            assert servers._state()["valkey"]
    finally:
        writer.kill()
        writer.communicate()
