"""Count and time the outcome of a chaos run, from the database's own log."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

#: A kill is clear if broker, database and another worker were up for CLEAR_S after it, and that
#: worker had START_S to start before it.
CLEAR_S, START_S = 5.0, 6.0


@dataclass(frozen=True)
class Kill:
    """A worker killed at ``at`` with the ``keys`` in its hands that it encoded at ``since``.

    Times are seconds since 1970.
    """

    worker: str
    at: float
    since: float = 0.0
    keys: tuple[int, ...] = ()


@dataclass
class Troubles:
    """The failures in a run; ``outages`` of servers and of processes ended by a poison, from–to."""

    kills: list[Kill] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)

    def clear(self, kill: Kill, workers: int) -> bool:
        """Return True if servers and another worker were up to recover from this kill."""
        if any(start < kill.at + CLEAR_S and end > kill.at for start, end in self.outages):
            return False
        lately = {
            each.worker for each in self.kills if kill.at - START_S < each.at < kill.at + CLEAR_S
        }
        return len(lately | {kill.worker}) < workers


@dataclass
class Outcome:
    """Figures of one way in one run; times in seconds."""

    way: str
    products: int
    saves: int
    missing: list[int]
    stale: list[int]
    waiting: int
    dead: list[list[Any]]
    poisoned: list[tuple[int, int]]  # product, products in the batch that it killed
    delays: list[float]
    save_errors: Counter[str]
    database_errors: int
    save_s: list[float]
    writes: Mapping[int, list[float]]
    kills: int = 0
    recovered: list[float] = field(default_factory=list)  # inf if it never recovered
    recovered_clear: list[float] = field(default_factory=list)  # of clear kills
    clear_kills: int = 0
    settled_s: float = 0.0
    ended_alone: dict[str, int] = field(default_factory=dict)

    def add_recoveries(self, troubles: Troubles, workers: int) -> None:
        """Add the time from each kill to the next vector of each product that was held."""
        held = [kill for kill in troubles.kills if kill.keys]
        self.kills = len(troubles.kills)
        for kill in held:
            took = [t for key in kill.keys if (t := self._recovery(kill, key)) is not None]
            self.recovered += took
            if troubles.clear(kill, workers):
                self.clear_kills += 1
                self.recovered_clear += took

    def _recovery(self, kill: Kill, key: int) -> float | None:
        """Return the recovery time, or None if there is no recovery to measure.

        That is the case for a deleted product, a product written just before, and a poison.
        """
        times = self.writes.get(key)
        if (
            times is None
            or key in dict(self.poisoned)
            or any(kill.since < at <= kill.at for at in times)
        ):
            return None
        return next((at - kill.at for at in times if at > kill.at), float("inf"))


def measure(
    way: str,
    connection: psycopg.Connection,
    report: Mapping[str, Any],
    folder: Path,
    began: float,
) -> Outcome:
    """Read the logs of saves and of vectors, and the records of the writers."""
    alive = {key for (key,) in connection.execute("SELECT id FROM chaos_host_product")}
    saves = _logged(connection, "chaos_host_savedtitle", "title")
    writes = _logged(connection, "chaos_host_writtenvector", "mark")
    lines = [
        json.loads(line)
        for path in sorted(folder.glob("writes-*"))
        for line in path.read_text().splitlines()
    ]
    errors = [line["error"] for line in lines if line["error"]]
    poisoned = folder / "poisoned"
    tries = poisoned.read_text().split("\n")[:-1] if poisoned.exists() else []
    return Outcome(
        way=way,
        products=report["products"],
        saves=sum(at >= began for each in saves.values() for at, _title in each),
        missing=report["missing"],
        stale=report["stale"],
        waiting=report["waiting"],
        dead=report["dead"],
        poisoned=[(int(key), int(size)) for key, size in map(str.split, tries)],
        delays=[
            delay
            for key in saves.keys() & alive
            for delay in _delays(saves[key], writes.get(key, []), report["marks"], began)
        ],
        save_errors=Counter(name for kind, name in errors if kind == "save"),
        database_errors=sum(kind == "database" for kind, _name in errors),
        save_s=[line["took_s"] for line in lines if not line["error"]],
        writes={key: [at for at, _mark in writes.get(key, [])] for key in alive},
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of the values do not exceed.

    The result is nan without values.
    """
    if not values:
        return float("nan")
    return float(np.quantile(values, share, method="higher"))


def _logged(
    connection: psycopg.Connection, table: str, mark: str
) -> dict[int, list[tuple[float, str]]]:
    rows = connection.execute(
        f"SELECT product_key, extract(epoch FROM at)::float8, {mark} FROM {table} ORDER BY at"  # noqa: S608
    )
    logged = defaultdict(list)
    for key, at, text in rows:
        logged[key].append((at, text))
    return dict(logged)


def _delays(
    saves: Sequence[tuple[float, str]],
    writes: Sequence[tuple[float, str]],
    marks: Mapping[str, Sequence[str]],
    began: float,
) -> list[float]:
    """Return the time from each save of a product to the first vector of it or of a later save.

    It is inf without such a vector.
    """
    place = {
        mark: row for row, (_at, title) in enumerate(saves) for mark in marks.get(title, [title])
    }
    served = [float("inf")] * len(saves)
    for at, mark in reversed(writes):
        for row in range(place.get(mark, -1) + 1):
            served[row] = at
    return [
        served[row] - at
        for row, (at, title) in enumerate(saves)
        if at >= began and "poison" not in title
    ]
