"""What the chaos runs plan and measure, by hand."""

import time
from dataclasses import replace

import pytest

from benchmarks import chaos_processes
from benchmarks.chaos import table
from benchmarks.chaos_outcome import Kill, Outcome, Troubles, _delays, percentile
from benchmarks.chaos_plan import SHORT, Scale, plan


def test_a_seed_names_a_run():
    assert plan(7, Scale()) == plan(7, Scale())
    assert plan(7, Scale()) != plan(8, Scale())


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("scale", [SHORT, Scale()], ids=["short", "long"])
def test_servers_go_away_one_at_a_time_and_come_back_within_the_run(seed, scale):
    events = plan(seed, scale)
    servers = [event for event in events if event.what.split("-")[0] in ("broker", "database")]
    for down, up in zip(servers[::2], servers[1::2], strict=True):
        assert (down.what, up.what) in (
            ("broker-down", "broker-up"),
            ("database-down", "database-up"),
        )
    assert len(servers) == 2 * (scale.broker_kills + scale.database_kills)
    assert max(event.at_s for event in events) < scale.duration_s
    assert sum(event.what == "worker" for event in events) == scale.worker_kills


def test_who_kills_waits_for_what_was_killed_and_not_for_the_one_in_its_place(
    tmp_path, monkeypatch
):
    sleeper = chaos_processes.Supervised("sleeper", ["sleep", "600"], {}, tmp_path / "log")
    killed, send = sleeper._process, chaos_processes.send

    def send_and_start_anew(processes, how):
        send(processes, how)
        killed.wait(60)
        sleeper.check()  # as the supervisor's thread does at any moment

    monkeypatch.setattr(chaos_processes, "send", send_and_start_anew)
    began = time.monotonic()
    sleeper.kill()
    assert time.monotonic() - began < 30
    monkeypatch.undo()
    assert not sleeper.over
    assert sleeper.ended == 0, "it did not end by itself"
    sleeper.stop()


def test_a_save_is_served_by_a_vector_of_it_or_of_a_later_save():
    saves = [(10.0, "a"), (11.0, "b"), (12.0, "c")]
    vectors = [(10.5, "a"), (12.5, "b"), (13.0, "c")]
    assert _delays(saves, vectors, {}, 0.0) == [0.5, 1.5, 1.0]
    assert _delays(saves, [(12.4, "b")], {}, 0.0) == pytest.approx([2.4, 1.4, float("inf")])
    overtaken = [(12.5, "c"), (12.6, "a")]
    assert _delays(saves, overtaken, {}, 11.0) == [1.5, 0.5]


@pytest.fixture
def outcome():
    return Outcome(
        way="similarity",
        products=2,
        saves=2,
        missing=[],
        stale=[],
        waiting=0,
        dead=[],
        poisoned=[],
        delays=[0.5, float("inf")],
        save_errors={},
        database_errors=0,
        save_s=[0.002],
        writes={1: [5.0, 11.0], 2: [9.5], 3: [2.0]},
    )


def test_recovery_is_the_time_to_the_next_vector_of_what_was_held(outcome):
    """What was written just before the kill had nothing to recover, as had a deleted product."""
    outcome.add_recoveries(Troubles([Kill("worker0", 10.0, 9.0, (1, 2, 3, 4))]), workers=2)
    assert outcome.recovered == [1.0, float("inf")]
    assert outcome.recovered_clear == outcome.recovered


@pytest.mark.parametrize(
    ("troubles", "clear"),
    [
        (Troubles(), True),
        (Troubles([Kill("worker1", 13.0)]), False),
        (Troubles([Kill("worker1", 16.0)]), True),
        (Troubles([Kill("worker1", 5.0)]), False),
        (Troubles([Kill("worker0", 13.0)]), True),
        (Troubles([], [(8.0, 9.0)]), True),
        (Troubles([], [(8.0, 11.0)]), False),
        (Troubles([], [(14.0, 20.0)]), False),
    ],
)
def test_a_clear_kill_leaves_another_worker_and_the_servers(troubles, clear):
    kill = Kill("worker0", 10.0)
    troubles = replace(troubles, kills=[kill, *troubles.kills])
    assert troubles.clear(kill, workers=2) == clear


def test_the_table_says_never_where_a_save_was_never_served(outcome):
    assert percentile([], 0.5) != percentile([], 0.5), "nan"
    row = table([outcome]).splitlines()[-1]
    assert row.startswith("| similarity | 2 | 0 | 0 | 0 | 2.0 / 2.0 / 2.0 | ")
    assert "/ never |" in row
