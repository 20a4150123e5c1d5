"""Run chaos for one way: start processes, kill them, wait for them and inspect the result."""

import json
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from benchmarks.chaos_outcome import Kill, Outcome, Troubles, measure
from benchmarks.chaos_plan import Event, Scale, plan
from benchmarks.chaos_processes import Supervisor, send, wait_for
from benchmarks.chaos_servers import Servers

HOST = "benchmarks.chaos_host"

#: Seconds to watch a worker for a moment at which it holds products.
AIM_S = 1.5
#: Seconds after which a commit of a stopped process is done.
COMMIT_S = 0.05
QUIET_S = 6.0

#: Seconds in which workers die of a poison, and in which clients find a server that is back.
POISON_S = 12.0
BACK_S = {"broker": 8.0, "database": 3.0}

CLAIMED = {
    True: "SELECT product_key::bigint FROM similarity_pendingproduct "
    "WHERE lease_until IS NOT NULL AND NOT dead",
    False: "SELECT id FROM chaos_host_product",
}


@dataclass
class Run:
    """The state of a run; ``down`` holds the servers that are away."""

    way: str
    scale: Scale
    servers: Servers
    supervisor: Supervisor
    chance: random.Random
    say: Callable[[str], None]
    troubles: Troubles = field(default_factory=Troubles)
    down: dict[str, float] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.supervisor.folder


def run(way: str, seed: int, scale: Scale, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Save, kill and restart according to :func:`plan`, then compare every vector.

    ``way`` is similarity, plain or careful (see ``chaos_host.settings``). ``folder`` holds all
    files, also the logs of the processes. Raises ``TimeoutError`` if the first products are not
    embedded within three minutes.
    """
    (folder / "held").mkdir(parents=True)
    with Servers(folder) as servers:
        environment = {**servers.environment(), "CHAOS_WAY": way, "CHAOS_FOLDER": str(folder)}
        supervisor = Supervisor(folder, environment)
        chance = random.Random(seed)  # noqa: S311 - no secret
        state = Run(way, scale, servers, supervisor, chance, say)
        try:
            return _run(state, seed)
        finally:
            supervisor.close()


def _run(run: Run, seed: int) -> Outcome:
    _begin(run, seed)
    began = time.time()
    for event in plan(seed, run.scale):
        time.sleep(max(0.0, began + event.at_s - time.time()))
        run.say(f"{run.way}: {time.time() - began:5.1f} s  {event.what}")
        _happen(run, event)
    time.sleep(max(0.0, began + run.scale.duration_s - time.time()))
    run.supervisor.stop("web")
    run.supervisor.wait("poison")
    ended = time.time()
    _settle(run)
    settled_s = time.time() - ended
    ended_alone = {name: each.ended for name, each in run.supervisor.processes.items()}
    run.supervisor.stop()
    report = json.loads(run.supervisor.run("-m", f"{HOST}.verify"))
    with run.servers.postgres.connect() as connection:
        outcome = measure(run.way, connection, report, run.folder, began)
    outcome.add_recoveries(run.troubles, run.scale.workers)
    outcome.settled_s, outcome.ended_alone = settled_s, ended_alone
    return outcome


def _begin(run: Run, seed: int) -> None:
    """Create tables and first products, then start the workers, then the writers (the web)."""
    run.supervisor.run("-m", f"{HOST}.prepare", str(run.scale.products))
    celery = ("-W", "ignore", "-m", "celery", "-A", f"{HOST}.celery")
    for number in range(run.scale.workers):
        options = (
            "-Q",
            "similarity",
            "-P",
            run.scale.pool,
            "-c",
            "1",
            "-n",
            f"worker{number}@%h",
            "-l",
            "INFO",
        )
        run.supervisor.start(f"worker{number}", *celery, "worker", *options)
    if run.way == "similarity":
        schedule = str(run.folder / "beat-schedule")
        run.supervisor.start("beat", *celery, "beat", "-s", schedule, "-l", "INFO")
    with run.servers.postgres.connect() as connection:
        count = "SELECT count(DISTINCT product_key) FROM chaos_host_writtenvector"
        wait_for(
            lambda: connection.execute(count).fetchone()[0] >= run.scale.products,
            180,
            f"the first products embedded; see {run.folder}/worker0.log",
        )
    rate = str(run.scale.saves_per_s / run.scale.writers)
    for number in range(run.scale.writers):
        run.supervisor.start(f"web{number}", "-m", f"{HOST}.writer", str(number), rate, str(seed))


def _happen(run: Run, event: Event) -> None:
    server, _, direction = event.what.partition("-")
    if server == "poison":
        run.troubles.outages.append((time.time(), time.time() + POISON_S))
        run.supervisor.start(event.what, "-m", f"{HOST}.writer", event.what, once=True)
    elif server == "worker":
        _kill_worker(run)
    elif server == "web":
        run.supervisor.processes[f"web{run.chance.randrange(run.scale.writers)}"].kill()
    else:
        killed = run.servers.postgres if server == "database" else run.servers.valkey
        if direction == "down":
            run.down[server] = time.time()
            killed.kill()
        else:
            killed.start()
            away = BACK_S[server]
            run.troubles.outages.append((run.down.pop(server), time.time() + away))


def _kill_worker(run: Run) -> None:
    """Kill a worker, or only the process of its pool, if possible while it holds products."""
    name = f"worker{len(run.troubles.kills) % run.scale.workers}"
    worker, all_of_it = run.supervisor.processes[name], run.chance.random() < 0.5
    until = time.monotonic() + AIM_S
    child, since, keys = None, 0.0, ()
    while family := worker.family():
        send(family, signal.SIGSTOP)
        child = next((each for each in family if _has_begun(run, each)), None)
        if child:
            since, keys = _held(run, child)
        if keys or time.monotonic() > until:
            break
        send(family, signal.SIGCONT)
        time.sleep(run.chance.uniform(0.005, 0.03))
    worker.kill(only=None if all_of_it else child)
    send(family, signal.SIGCONT)
    run.troubles.kills.append(Kill(name, time.time(), since, keys))


def _has_begun(run: Run, process: psutil.Process) -> bool:
    """Return True if the process encoded a product within the last second."""
    path = run.folder / "held" / str(process.pid)
    return path.exists() and time.time() - path.stat().st_mtime < 1


def _held(run: Run, process: psutil.Process) -> tuple[float, tuple[int, ...]]:
    """Return the last encoding time of a stopped process, and its keys not written since then.

    The plugin also encodes a sample to learn from, which no save waits for. Its held keys are
    therefore the leased keys of the outbox.
    """
    held = json.loads((run.folder / "held" / str(process.pid)).read_text())
    time.sleep(COMMIT_S)
    try:
        with run.servers.postgres.connect() as connection:
            claimed = connection.execute(CLAIMED[run.way == "similarity"]).fetchall()
            written = connection.execute(
                "SELECT product_key FROM chaos_host_writtenvector "
                "WHERE product_key = ANY(%s) AND at > to_timestamp(%s)",
                [list(map(int, held["keys"])), held["at"]],
            ).fetchall()
    except psycopg.OperationalError:
        return 0.0, ()
    keys = {int(key) for key in held["keys"]} & {key for (key,) in claimed}
    return held["at"], tuple(sorted(keys - {key for (key,) in written}))


def _settle(run: Run) -> None:
    """Wait until no vector was written for a while and the outbox, if any, is empty."""
    pending = (
        "SELECT count(*) FROM similarity_pendingproduct WHERE NOT dead"
        if run.way == "similarity"
        else "SELECT 0"
    )
    last_write = "SELECT extract(epoch FROM now() - max(at)) FROM chaos_host_writtenvector"
    with run.servers.postgres.connect() as connection, suppress(TimeoutError):
        wait_for(
            lambda: (
                connection.execute(pending).fetchone()[0] == 0
                and (
                    run.way == "similarity"
                    or connection.execute(last_write).fetchone()[0] > QUIET_S
                )
            ),
            run.scale.settle_s,
            "the rest embedded",
        )
