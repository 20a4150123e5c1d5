"""Nothing is lost: web, workers, broker and database are killed during saves, real processes all.

The short run is part of the suite. ``make chaos`` sets ``SIMILARITY_CHAOS=long``, for minutes
of it under two seeds, and prints the table beside ``delay_on_commit``.
"""

import os
import shutil
import sys

import pytest

from benchmarks.chaos import sentence
from benchmarks.chaos_outcome import percentile
from benchmarks.chaos_plan import SHORT, Scale
from benchmarks.chaos_run import run
from benchmarks.chaos_servers import Servers
from shop import servers

LONG = os.environ.get("SIMILARITY_CHAOS") == "long"

#: (seed, scale); seeds of the long form differ in what meets what.
RUNS = [(1, Scale()), (2, Scale(pool="solo"))] if LONG else [(1, SHORT)]


@pytest.fixture
def folder():
    """Beside the other servers' own: a server run by another user cannot rely on ``tmp_path``,
    which every session of pytest that starts closes to others.
    """
    path = servers.RUN_DIR / "chaos"
    shutil.rmtree(path, ignore_errors=True)
    return path


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("seed", "scale"),
    RUNS,
    ids=lambda value: f"seed{value}" if isinstance(value, int) else value.pool,
)
def test_every_vector_is_of_its_products_content_after_kills_of_everything(seed, scale, folder):
    outcome = run("similarity", seed, scale, folder, say)
    say(sentence(outcome))
    assert (outcome.missing, outcome.stale, outcome.waiting) == ([], [], 0)
    assert not outcome.save_errors, "the shop's saves know nothing of workers and broker"
    assert outcome.saves > scale.duration_s * scale.saves_per_s / 20
    poisons_are_out(outcome, scale)
    assert max(outcome.recovered, default=0) < float("inf")
    if outcome.recovered_clear:
        assert percentile(outcome.recovered_clear, 0.99) < 15, "not when their lease is over"


@pytest.mark.chaos
def test_one_run_may_follow_another_in_its_folder(folder):
    """As those of the long form do."""
    folder.mkdir(parents=True)
    for _run in range(2):
        with Servers(folder) as both, both.postgres.connect() as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("chaos",)
        shutil.rmtree(folder)
        folder.mkdir()


def say(text):
    """Shown where the test fails, and with ``-s``."""
    sys.stdout.write(f"{text}\n")


def poisons_are_out(outcome, scale):
    """Each after three kills, and nothing else: those beside it lost an attempt at most.

    Where the database restarts before anyone has noticed a kill, that one does not count; and
    a worker that was killed from outside with a poison in its hands is one of the three.
    """
    assert len(outcome.dead) == 2
    assert {kills for _key, kills, _error in outcome.dead} == {3}
    assert {int(key) for key, _kills, _error in outcome.dead} == {k for k, _ in outcome.poisoned}
    for key, _kills, error in outcome.dead:
        sizes = [size for each, size in outcome.poisoned if each == int(key)]
        assert 1 <= len(sizes) <= 3 + scale.database_kills
        assert sum(size > 1 for size in sizes) <= 1 + scale.database_kills
        assert "3 workers were killed" in error
