"""Measure how fast networks work: the trial of runtimes, rounds in turns, and the table."""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from django.conf import settings

Work = Callable[[], object]


class Speed(NamedTuple):
    wall_s: float
    cpu_s: float


def loaded(encoder, what: str):
    """Return the encoder's network; print the time of the trial, and of loading after it."""
    start = time.perf_counter()
    tower = encoder.tower
    first = time.perf_counter() - start
    start = time.perf_counter()
    type(encoder)().tower  # noqa: B018 - loads it
    again = time.perf_counter() - start
    print(
        f"\nThe {what} was loaded with a trial in {first:.1f} s, again in {again:.1f} s; "
        f"chosen: {tower.runtime.name}",
        flush=True,
    )
    return tower


def runtimes_of(tower, digest: str) -> dict:
    """Return runtime → its network; only installed runtimes that give the same vectors as torch."""
    from django.test.utils import override_settings

    from similarity.encoders import runtimes, trial

    found = {"torch": trial.Runtime()}
    for name in runtimes.NAMES[1:]:
        if runtimes.installed(name) and tower.device == "cpu":
            with override_settings(
                SIMILARITY={**settings.SIMILARITY, "WORKERS": {"RUNTIME": name}}
            ):
                runtime = trial.choose(tower.graph(digest), tower.samples())
            if runtime.name == name:
                found[name] = runtime
    return found


def using(tower, runtime, work: Work) -> Work:
    def run() -> None:
        usual, tower.runtime = tower.runtime, runtime
        try:
            work()
        finally:
            tower.runtime = usual

    return run


def measured(works: Mapping[str, Work], repeat: int) -> dict[str, Speed]:
    """Return the best of ``repeat`` rounds in turns, after a warm-up round."""
    best = {name: Speed(float("inf"), float("inf")) for name in works}
    for number in range(repeat + 1):
        for name, work in works.items():
            start, cpu = time.perf_counter(), time.process_time()
            work()
            wall, used = time.perf_counter() - start, time.process_time() - cpu
            if number:
                best[name] = Speed(min(best[name].wall_s, wall), min(best[name].cpu_s, used))
    return best


def table(what: str, speeds: Mapping[str, Speed], count: int, base: tuple[str, ...]) -> None:
    """Print the table; ``against`` is the speed of the fastest row of ``base``."""
    against = min(speeds[name].wall_s for name in base)
    print(f"\n| {what} | per second | against {base[0]} | CPU ms each |\n| --- | --- | --- | --- |")
    for name, speed in speeds.items():
        print(
            f"| {name} | {count / speed.wall_s:.1f} | {against / speed.wall_s:.2f} "
            f"| {1000 * speed.cpu_s / count:.1f} |",
            flush=True,
        )
