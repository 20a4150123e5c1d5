"""Measure the endpoint of events at a fixed rate, beside a plain Django view that stores rows.

Starts PostgreSQL, Valkey and gunicorn in a temporary folder, and ends them:

    python benchmarks/events.py
    python benchmarks/events.py --rate 1000 --batch 10 --seconds 20
    python benchmarks/events.py --batch 1 --rate 300

Requests are sent by the clock, whether or not earlier ones are answered, by shoppers who consented.
A time counts from when its request was due, so that a queue is seen. Both addresses are asked in
turns, so that a busy machine slows both.
"""

import argparse
import http.client
import json
import random
import secrets
import sys
import threading
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import processor
from benchmarks.processes import free_port, own_servers, process, site_command, wait_for_site
from benchmarks.small_shop import build

SETTINGS = "benchmarks.event_site"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0 Safari/537.36"
SHOPPERS, SENDERS, TURNS = 200, 8, 4
ADDRESSES = {"events/": "/api/similarity/v1/events/", "plain view": "/plain/"}


class Result(NamedTuple):
    """Times of requests in milliseconds, and the number of events that were accepted."""

    times: list[float]
    accepted: int
    failed: int

    def at(self, share: float) -> float:
        return sorted(self.times)[min(int(share * len(self.times)), len(self.times) - 1)]


def make_shoppers() -> list[str]:
    """Return the cookies of shoppers who consented."""
    from similarity.events.identity import pseudonym_of
    from similarity.events.models import Profile

    tokens = [secrets.token_urlsafe(24) for _ in range(SHOPPERS)]
    Profile.objects.bulk_create(Profile(pseudonym=pseudonym_of(token)) for token in tokens)
    return [f"similarity_shopper={token}; visitor={token}" for token in tokens]


class Sender(threading.Thread):
    """Sends its share of the requests by the clock over one connection."""

    def __init__(self, port: int, path: str, due: list[float], bodies: list[Any]) -> None:
        super().__init__()
        self.port, self.path, self.due, self.bodies = port, path, due, bodies
        self.times: list[float] = []
        self.accepted = self.failed = 0

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection):
            for due, (cookie, body, events) in zip(self.due, self.bodies, strict=True):
                time.sleep(max(due - time.perf_counter(), 0))
                self._send(connection, due, cookie, body, events)

    def _send(
        self,
        connection: http.client.HTTPConnection,
        due: float,
        cookie: str,
        body: str,
        events: int,
    ) -> None:
        headers = {"Content-Type": "application/json", "User-Agent": AGENT, "Cookie": cookie}
        connection.request("POST", self.path, body, headers)
        answer = connection.getresponse()
        told = answer.read()
        self.times.append(1000 * (time.perf_counter() - due))
        if answer.status != 202:  # a busy site refuses some: they are counted, not left out
            self.failed += 1
            return
        self.accepted += json.loads(told)["accepted"] if told else events


def measure(
    port: int, path: str, keys: list[int], cookies: list[str], options: argparse.Namespace
) -> Result:
    rng = random.Random(5)  # noqa: S311 - the same requests each time
    requests = max(round(options.rate / options.batch * options.seconds / TURNS), SENDERS)
    start = time.perf_counter() + 0.2
    due = [start + at * options.batch / options.rate for at in range(requests)]
    bodies = [_body(rng, keys, cookies, options.batch) for _ in range(requests)]
    senders = [Sender(port, path, due[at::SENDERS], bodies[at::SENDERS]) for at in range(SENDERS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return Result(
        [one for sender in senders for one in sender.times],
        sum(sender.accepted for sender in senders),
        sum(sender.failed for sender in senders),
    )


def _body(rng: random.Random, keys: list[int], cookies: list[str], batch: int) -> Any:
    events = [{"type": "view", "product": rng.choice(keys)} for _ in range(batch)]
    body = json.dumps({"key": str(uuid.uuid4()), "events": events})
    return rng.choice(cookies), body, batch


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=1000, help="events a second (1000)")
    parser.add_argument("--batch", type=int, default=10, help="events of a request (10)")
    parser.add_argument("--seconds", type=float, default=20, help="of each address (20)")
    parser.add_argument("--products", type=int, default=1000, help="catalogue size (1000)")
    parser.add_argument("--workers", type=int, default=2, help="gunicorn's processes (2)")
    parser.add_argument("--threads", type=int, default=4, help="threads of a process (4)")
    options = parser.parse_args()
    with own_servers(SETTINGS) as folder:
        keys = build(options.products, embed=False)
        from benchmarks.event_urls import PlainEvent, make_table
        from similarity.events.models import Event

        make_table()
        cookies = make_shoppers()
        port, log = free_port(), folder / "site.log"
        (folder / "static").mkdir(exist_ok=True)
        with process(site_command(port, options.workers, options.threads), log):
            wait_for_site(port, log)
            warm = argparse.Namespace(**{**vars(options), "seconds": TURNS})
            found: dict[str, list[Result]] = {name: [] for name in ADDRESSES}
            for path in ADDRESSES.values():
                measure(port, path, keys, cookies, warm)
            before = Event.objects.count(), PlainEvent.objects.count()
            for _turn in range(TURNS):
                for name, path in ADDRESSES.items():
                    found[name].append(measure(port, path, keys, cookies, options))
        report(found, options)
        kept = Event.objects.count() - before[0], PlainEvent.objects.count() - before[1]
        accepted = [sum(one.accepted for one in results) for results in found.values()]
        print(f"\nAccepted and kept: {accepted[0]} and {kept[0]}, {accepted[1]} and {kept[1]}.")
        if list(kept) != accepted:
            sys.exit("Rows are missing or doubled.")


def report(found: dict[str, list[Result]], options: argparse.Namespace) -> None:
    print(f"{processor()}; {options.rate:.0f} events/s in batches of {options.batch}\n")
    print("| address | requests | p50 ms | p95 ms | p99 ms | not answered with 202 |")
    print("| --- | --- | --- | --- | --- | --- |")
    joined = {
        name: Result(
            [time for one in results for time in one.times],
            sum(one.accepted for one in results),
            sum(one.failed for one in results),
        )
        for name, results in found.items()
    }
    for name, one in joined.items():
        print(
            f"| {name} | {len(one.times)} | {one.at(0.5):.2f} | {one.at(0.95):.2f} "
            f"| {one.at(0.99):.2f} | {one.failed} |"
        )
    ours, plain = joined.values()
    print(f"\np50 is {ours.at(0.5) / plain.at(0.5):.2f} × the plain view's, ", end="")
    print(f"p95 {ours.at(0.95) / plain.at(0.95):.2f} ×.")


if __name__ == "__main__":
    main()
