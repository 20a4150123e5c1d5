"""The embedded servers' addresses, which many processes read while others write them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
