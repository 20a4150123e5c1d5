"""Measure the cost of a save with each follow-up; see ``benchmarks/save.py``."""

import json
import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.processes import ROOT, free_port

ROUNDS, EACH = 22, 20  # the first two rounds only warm up
TRIGGERS = "with it, by triggers"
BULK = 10_000


class Client:
    """A process that runs ``save_client.py``."""

    def __init__(
        self, stack: ExitStack, folder: Path, follows: str, broker: str = "", capture: str = ""
    ) -> None:
        own = {"CELERY_BROKER_URL": broker, "BENCHMARK_CAPTURE": capture}
        environment = {**os.environ, **{name: value for name, value in own.items() if value}}
        log = stack.enter_context((folder / f"client-{time.monotonic_ns()}.log").open("wb"))
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "benchmarks" / "save_client.py"), follows],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
        )
        stack.callback(self.end)

    def save(self, how: str, keys: Iterable[int]) -> dict[str, Any]:
        assert self.process.stdin  # noqa: S101 - it is a pipe
        assert self.process.stdout  # noqa: S101
        self.process.stdin.write(f"{how} {' '.join(map(str, keys))}\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def end(self) -> None:
        assert self.process.stdin  # noqa: S101 - a pipe
        self.process.stdin.close()
        self.process.wait(15)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


@contextmanager
def silent_broker() -> Iterator[str]:
    """Yield the address of a broker that accepts connections and never replies."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        yield f"redis://127.0.0.1:{silent.getsockname()[1]}/0"


def cost(folder: Path, keys: list[int]) -> None:
    gone = f"redis://127.0.0.1:{free_port()}/0"
    with ExitStack() as stack:
        silent = stack.enter_context(silent_broker())
        clients = {
            "without the plugin": Client(stack, folder, "nothing"),
            "with it": Client(stack, folder, "similarity"),
            "with it, no broker": Client(stack, folder, "similarity", gone),
            "with it, broker hangs": Client(stack, folder, "similarity", silent),
            TRIGGERS: Client(stack, folder, "similarity", capture="triggers"),
            "a task each": Client(stack, folder, "delay"),
            "a task each, no broker": Client(stack, folder, "delay", gone),
        }
        measured = in_turns(clients, keys)
    print(f"\nA commit by itself, one row by psycopg: p50 {commit_ms():.2f} ms.")
    print("One `product.save()`, milliseconds; what it adds to a save without the plugin:\n")
    print("| | saves | p50 | p95 | mean | p50 adds | mean adds | raised |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for how in ("alone", "inside"):
        base = measured[how, "without the plugin"][0]
        for name in clients:
            times, raised = measured[how, name]
            cells = [percentile(times, 0.5), percentile(times, 0.95), fmean(times)]
            added = [cells[0] - percentile(base, 0.5), cells[2] - fmean(base)]
            inside = ", inside `atomic`" if how == "inside" else ""
            told = " | ".join(f"{value:.2f}" for value in (*cells, *added))
            print(f"| {name}{inside} | {len(times)} | {told} | {raised} |", flush=True)


def commit_ms() -> float:
    """Return the time of a commit; a save outside a transaction has two with the plugin."""
    from django.db import connection

    times = []
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE benchmark_commit (n int); INSERT INTO benchmark_commit VALUES (0)"
        )
        for _ in range(200):
            started = time.perf_counter()
            cursor.execute("UPDATE benchmark_commit SET n = n + 1")
            times.append(1000 * (time.perf_counter() - started))
        cursor.execute("DROP TABLE benchmark_commit")
    return percentile(times, 0.5)


def in_turns(
    clients: dict[str, Client], keys: list[int]
) -> dict[tuple[str, str], tuple[list[float], int]]:
    """Return (how, client) → milliseconds of each save, and the number of raised errors."""
    measured = {(how, name): ([], 0) for how in ("alone", "inside") for name in clients}
    order = deque(clients)
    for turn in range(ROUNDS):
        order.rotate(1)
        for name in order:
            size = EACH
            if name == "a task each, no broker":  # each save waits
                size = int(turn % 4 == 2)
            chosen = [keys[(turn * EACH + at) % len(keys)] for at in range(size)]
            with triggers() if name == TRIGGERS else nullcontext():
                for how in ("alone", "inside"):
                    answer = clients[name].save(how, chosen)
                    if turn >= 2:
                        times, raised = measured[how, name]
                        times += answer["times"]
                        measured[how, name] = (times, raised + answer["raised"])
    return measured


@contextmanager
def triggers() -> Iterator[None]:
    """Install the database triggers for this client's turn only, because all save to one table."""
    from similarity.capture import triggers as capture

    capture.install()
    try:
        yield
    finally:
        capture.uninstall()


def bulk(folder: Path, keys: list[int]) -> None:
    """Measure each way twice, the second time in reverse order; use the faster run."""
    saved = [keys[at % min(len(keys), 2000)] for at in range(BULK)]
    took: dict[str, list[float]] = {"nothing": [], "similarity": []}
    with ExitStack() as stack:
        clients = {follows: Client(stack, folder, follows) for follows in took}
        for client in clients.values():
            client.save("alone", keys[:20])
        for follows in (*clients, *reversed(clients)):
            took[follows] += clients[follows].save("together", saved)["times"]
    plain, ours = (min(times) / 1000 for times in took.values())
    print(f"\n{BULK} saves in one transaction: {plain:.1f} s without the plugin, ", end="")
    print(f"{ours:.1f} s with it, {1000 * (ours - plain) / BULK:.2f} ms more for each", flush=True)
