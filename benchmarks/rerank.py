"""Measure ``POST rerank/`` under load: worker alive, worker killed, broker and cache gone.

Starts its own PostgreSQL, Valkey, gunicorn and query worker in a temporary folder, all on the
loopback interface, and ends them:

    python benchmarks/rerank.py
    python benchmarks/rerank.py --seconds 10 --rate 20

Requests are sent on schedule, even if earlier requests have not returned. A latency counts from the
scheduled time. Each request sends 100 keys. Four of five queries are from two hundred repeated
queries, as in a shop, and the fifth is new.
"""

import argparse
import http.client
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import local
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.processes import (
    own_servers,
    process,
    site_command,
    stop,
    wait_for_site,
    wait_for_worker,
    worker_command,
)
from benchmarks.small_shop import build, words

LISTED = 100
SPREAD = 64  # threads that send


class Answer(NamedTuple):
    status: int
    latency_ms: float
    took_ms: float
    reason: str  # "" if the order is new


class Load:
    """A load of ``rate`` requests a second for ``seconds``, from threads with open connections."""

    def __init__(self, port: int, keys: list[int], budget_ms: int) -> None:
        self.port, self.keys, self.budget_ms = port, keys, budget_ms
        self.rng = random.Random(2)  # noqa: S311 - no secret
        self.usual = [words(self.rng) for _ in range(200)]
        self.new = 0
        self._own = local()

    def run(self, rate: int, seconds: float) -> list[Answer]:
        began = time.monotonic() + 0.1
        with ThreadPoolExecutor(SPREAD) as pool:
            futures = [
                pool.submit(self.send, began + number / rate, self.body())
                for number in range(int(rate * seconds))
            ]
            return [future.result() for future in futures]

    def body(self) -> bytes:
        if self.rng.random() < 0.2:
            self.new += 1
            query = f"{words(self.rng)} {self.new}"
        else:
            query = self.rng.choice(self.usual)
        listed = self.rng.sample(self.keys, LISTED)
        about = {"query": query, "results": listed, "budget_ms": self.budget_ms}
        return json.dumps(about).encode()

    def send(self, at: float, body: bytes) -> Answer:
        time.sleep(max(at - time.monotonic(), 0))
        try:
            status, answer = self._post(body)
            told = json.loads(answer) if status == 200 else {}
        except (OSError, http.client.HTTPException):
            self._own.connection = None
            status, told = 0, {}
        latency_ms = 1000 * (time.monotonic() - at)
        return Answer(status, latency_ms, told.get("took_ms", 0.0), told.get("reason", "failed"))

    def _post(self, body: bytes) -> tuple[int, bytes]:
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            self._own.connection = connection
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/api/similarity/v1/rerank/", body, headers)
        response = connection.getresponse()
        return response.status, response.read()


def told(name: str, answers: list[Answer], budget_ms: int) -> str:
    def at(values: list[float], share: float) -> float:
        return sorted(values)[min(int(share * len(values)), len(values) - 1)]

    latency = [answer.latency_ms for answer in answers]
    took = [answer.took_ms for answer in answers]
    errors = sum(answer.status != 200 for answer in answers)
    late = sum(answer.took_ms > budget_ms + 20 for answer in answers)
    reasons = Counter(answer.reason or "re-ranked" for answer in answers)
    shares = ", ".join(f"{why} {count / len(answers):.0%}" for why, count in reasons.most_common())
    cells = [f"{at(latency, share):.0f}" for share in (0.5, 0.95, 0.99)]
    inside = [f"{at(took, share):.0f}" for share in (0.5, 0.95, 0.99)]
    return (
        f"| {name} | {len(answers)} | {errors} | {' / '.join(cells)} | {' / '.join(inside)} | "
        f"{max(took):.0f} | {late} | {shares} |"
    )


def measure(options: argparse.Namespace, folder: Path) -> None:
    keys = build(options.products)
    port = options.port
    with ExitStack() as stack:
        web_log, worker_log = folder / "web.log", folder / "worker.log"
        stack.enter_context(process(site_command(port, options.workers, 8), web_log))
        answering = stack.enter_context(process(worker_command("similarity.queries"), worker_log))
        wait_for_site(port, web_log)
        wait_for_worker(worker_log)
        load = Load(port, keys, options.budget)
        load.run(options.rate, 3)  # connections opened, modules imported
        print(
            f"{options.rate} requests/s, {LISTED} keys each, {options.products} products, budget "
            f"{options.budget} ms, gunicorn {options.workers} × 8 threads, load average "
            f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n"
        )
        print(
            "| | requests | errors | latency p50 / p95 / p99 ms | took p50 / p95 / p99 ms | ",
            end="",
        )
        print("took at most | over budget + 20 ms | order |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)

        def row(name: str, seconds: float) -> None:
            print(told(name, load.run(options.rate, seconds), options.budget), flush=True)

        row("worker alive", options.seconds)
        stop(answering)
        row("worker killed", options.seconds)
        os.kill(int((folder / "valkey" / "valkey.pid").read_text()), signal.SIGKILL)
        row("broker and cache gone", options.seconds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60, help="of each line (60)")
    parser.add_argument("--rate", type=int, default=50, help="requests a second (50)")
    parser.add_argument("--products", type=int, default=2000, help="catalogue size (2000)")
    parser.add_argument("--budget", type=int, default=100, help="milliseconds (100)")
    parser.add_argument("--workers", type=int, default=2, help="gunicorn's processes (2)")
    parser.add_argument("--port", type=int, default=8765)
    options = parser.parse_args()
    with own_servers("benchmarks.small_shop_settings") as folder:
        measure(options, folder)


if __name__ == "__main__":
    main()
