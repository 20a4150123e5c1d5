"""What came of a chaos run: counted and timed from the database's own log of it."""

import json
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

#: A kill counts as one with the servers up where none was away until so long after it.
CLEAR_S = 5.0


@dataclass(frozen=True)
class Recovery:
    """A worker killed at ``at`` (seconds since 1970) with these products in its hands."""

    at: float
    keys: list[int]


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
    recovered: list[float] = field(default_factory=list)  # inf where it never was
    recovered_clear: list[float] = field(default_factory=list)  # of kills with the servers up
    settled_s: float = 0.0
    ended_alone: dict[str, int] = field(default_factory=dict)

    def add_recoveries(
        self, recoveries: Sequence[Recovery], outages: Sequence[tuple[float, float]], began: float
    ) -> None:
        """Time from each kill to the next vector of each product that was held."""
        self.kills = len(recoveries)
        for kill in recoveries:
            clear = all(up < kill.at or down > kill.at + CLEAR_S for down, up in outages)
            for key in kill.keys:
                if key not in self.writes:
                    continue  # deleted since, and its vector with it
                times = self.writes[key]
                place = bisect_left(times, kill.at)
                took = times[place] - kill.at if place < len(times) else float("inf")
                self.recovered.append(took)
                if clear:
                    self.recovered_clear.append(took)


def measure(
    way: str,
    connection: psycopg.Connection,
    report: Mapping[str, Any],
    folder: Path,
    began: float,
) -> Outcome:
    """Read the logs of saves and of vectors, and what the writers themselves saw."""
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
    """The smallest value that ``share`` of them do not exceed; nan where there is none."""
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
    """From each save of one product to the first vector of it or of a later save; inf for none."""
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
